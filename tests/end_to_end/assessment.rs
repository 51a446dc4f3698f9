//! What `producer check` foresees is what a run then gives, and what it promises of a fix is what the fix gives.

use std::collections::BTreeMap;

use certferry_testkit::generator::Dataset;
use certferry_testkit::postgres::Server;
use serde_json::{Value, json};
use sqlx::Row;

use crate::world::World;

async fn messy(certificates: u64) -> World {
    let shared = Server::shared().await.unwrap();
    let mut world = World::with_dataset_on(Dataset::messy(11, certificates), &shared, &shared).await;
    // Of two certificates with one number the first is migrated then, as is foreseen.
    world.set("worker.concurrency", "1");
    world
}

async fn assessment(world: &World) -> Value {
    let document: Value = serde_json::from_str(&world.succeeds("producer", ["check", "--json"]).await).unwrap();
    assert_eq!(document["ready"], true, "{}", document["problems"]);
    document["assessment"].clone()
}

/// What a run came to, in the words of an assessment.
async fn outcome(world: &World, people_before: &Value) -> Value {
    let status: Value = serde_json::from_str(&world.succeeds("producer", ["status", "--json"]).await).unwrap();
    assert_eq!(status["queued"], 0);
    let warnings = world
        .rows(
            "SELECT warning ->> 'code', count(*) FROM certferry.certificate_status, jsonb_array_elements(warnings) AS warning
             WHERE state = 'migrated' GROUP BY 1",
        )
        .await;
    let warnings: BTreeMap<String, i64> = warnings.iter().map(|row| (row.get(0), row.get(1))).collect();
    let people = people(world).await;
    let created = |entity: &str| people[entity].as_i64().unwrap() - people_before[entity].as_i64().unwrap();
    json!({
        "would_migrate": status["migrated"], "would_fail": status["failed"], "by_code": status["by_code"],
        "warnings": warnings,
        "would_create": {"customers": created("customers"), "technicians": created("technicians")},
    })
}

async fn people(world: &World) -> Value {
    json!({
        "customers": world.number("SELECT count(*) FROM customers").await,
        "technicians": world.number("SELECT count(*) FROM technicians").await,
    })
}

fn same_keys(assessment: &Value, as_in: &Value) -> Value {
    as_in.as_object().unwrap().keys().map(|key| (key.clone(), assessment[key].clone())).collect()
}

fn fix<'a>(assessment: &'a Value, begins: &str) -> (&'a str, u64) {
    let fixes = assessment["fixes"].as_array().unwrap();
    let found = fixes.iter().find(|fix| fix["what"].as_str().unwrap().starts_with(begins));
    let found = found.unwrap_or_else(|| panic!("no fix begins with {begins}: {fixes:?}"));
    (found["what"].as_str().unwrap(), found["would_migrate_alone"].as_u64().unwrap())
}

/// Sees that the fix that was just made gives what was promised: first foreseen, then done.
async fn assert_gives(world: &World, promised: u64, what: &str) {
    assert!(promised > 0, "{what}");
    assert_eq!(assessment(world).await["would_migrate"], promised, "{what}");
    let migrated = "SELECT count(*) FROM certferry.certificate_status WHERE state = 'migrated'";
    let before = world.number(migrated).await;
    world.succeeds("producer", ["retry"]).await;
    world.drain(1).await;
    assert_eq!(world.number(migrated).await - before, i64::try_from(promised).unwrap(), "{what}");
}

#[tokio::test]
async fn a_forecast_is_what_the_run_gives_and_so_is_that_of_each_fix() {
    let mut world = messy(3000).await;
    let before = people(&world).await;
    let state = "SELECT count(*) FROM certferry.mapping";
    let mappings = world.number(state).await;
    let foreseen = assessment(&world).await;
    assert_eq!(foreseen["certificates"], 3000);
    assert_eq!((people(&world).await, world.number(state).await), (before.clone(), mappings), "nothing is written");

    world.succeeds("producer", ["enqueue"]).await;
    world.drain(1).await;
    let given = outcome(&world, &before).await;
    assert_eq!(same_keys(&foreseen, &given), given);
    for key in ["missing_device", "missing_user_mapping", "unknown_status", "unique_violation"] {
        assert!(given["by_code"][key].as_u64().unwrap_or_default() > 0, "{key}: {given}");
    }

    // What failed fails again, and nothing else is left.
    let again = assessment(&world).await;
    assert_eq!((&again["would_migrate"], &again["migrated"]), (&json!(0), &given["would_migrate"]));
    assert_eq!(again["by_code"], given["by_code"]);

    let (what, promised) = fix(&again, "map user ");
    let user = what.rsplit(' ').next().unwrap();
    world
        .execute(&format!(
            "INSERT INTO certferry.mapping (entity, old_id, new_id, origin) SELECT 'user', {user}, min(id), 'imported' FROM users"
        ))
        .await;
    assert_gives(&world, promised, what).await;

    let again = assessment(&world).await;
    let (what, promised) = fix(&again, "add the status ");
    let status = what.split('"').nth(1).unwrap();
    world.set("status.blocked", &format!("[\"blocked\", \"{status}\"]"));
    world.succeeds("producer", ["setup", "--accept-changes"]).await;
    assert_gives(&world, promised, what).await;

    let again = assessment(&world).await;
    let (what, promised) = fix(&again, "correct the issue_date ");
    let date = what.split('"').nth(1).unwrap();
    world
        .execute_at_source(&format!("UPDATE certificates SET issue_date = '2015-01-01' WHERE issue_date = '{date}'"))
        .await;
    // Some of them expire before: no plan could know that date.
    let foreseen = assessment(&world).await["would_migrate"].as_u64().unwrap();
    assert!(foreseen <= promised && foreseen > 0, "{foreseen} of {promised}");
}

#[tokio::test]
async fn a_device_that_is_added_gives_what_was_promised() {
    let world = messy(400).await;
    world.execute_at_source("UPDATE certificates SET ecu_number = ' ECUX1' WHERE ecu_number LIKE 'ECUX%'").await;
    let before = assessment(&world).await;
    let (what, promised) = fix(&before, "add the device \"ECUX1\"");
    assert!(promised > 0, "{before}");
    world.execute("INSERT INTO devices (ecu_number) VALUES ('ECUX1')").await;
    let after = assessment(&world).await;
    let gained = after["would_migrate"].as_u64().unwrap() - before["would_migrate"].as_u64().unwrap();
    assert_eq!(gained, promised, "{what}");
}

#[tokio::test]
async fn the_cases_end_as_they_were_foreseen() {
    let mut world = World::with_cases().await;
    world.set("worker.concurrency", "1");
    let before = people(&world).await;
    let foreseen = assessment(&world).await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(1).await;
    let given = outcome(&world, &before).await;
    assert_eq!(same_keys(&foreseen, &given), given);
}
