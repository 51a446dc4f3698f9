use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn when_nothing_stands_in_the_way_it_says_what_it_saw() {
    let world = World::with_certificates(3).await;
    let ended = world.run("check");
    ended.good();
    for line in [
        "destination: PostgreSQL ",
        "source: PostgreSQL ",
        "source sessions: time zone Asia/Dubai",
        "source.certificates: fits",
        "source.technicians: fits",
        "mappings of users: 0\n",
        "\nnothing stands in the way\n",
    ] {
        assert!(ended.stdout.contains(line), "no {line:?} in {}", ended.stdout);
    }
    let document = world.run("check --json").json();
    assert_eq!(document["ready"], true);
    assert_eq!(document["destination"]["set_up"], true);
    assert_eq!(document["source"]["queries"][1]["setting"], "source.customers");
    assert_eq!(document["source"]["queries"][1]["columns"][0], "id int8");
    assert_eq!((&document["problems"], &document["notes"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn everything_that_must_be_mended_is_named() {
    let world = World::ready().await;
    world.execute("ALTER TABLE devices DROP COLUMN is_blocked; DROP SCHEMA apalis CASCADE").await;
    world
        .execute_at_source("DROP TABLE technicians; CREATE VIEW people AS SELECT id + 0 AS id, name FROM customers")
        .await;
    let customers = "SELECT id, name, NULL AS trade_license, NULL AS email, NULL AS phone FROM people";
    let ended = world.run_with("check --json", &[("CERTFERRY__SOURCE__CUSTOMERS", customers)]);
    assert_eq!(ended.code, Some(3));
    assert_eq!(ended.stderr.trim(), "attention: 3 problems must be mended before a migration");
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("a document");
    let problems = document["problems"].as_array().expect("a list");
    assert_eq!(problems[0]["what"], "the destination (schema public) lacks devices.is_blocked");
    assert!(
        problems[1]["what"].as_str().expect("text").starts_with("source.customers: its id is not found by an index")
    );
    assert_eq!(problems[2]["what"], "source.technicians: relation \"technicians\" does not exist");
    assert!(problems.iter().all(|problem| problem["hint"].is_string()), "{problems:?}");
    assert_eq!(problems.len(), 3);
    assert_eq!(document["ready"], false);
    assert_eq!(document["destination"]["set_up"], false);
    assert!(document["notes"][0].as_str().expect("text").contains("run `producer setup`"), "{document}");
}

#[tokio::test]
async fn one_database_that_is_away_does_not_hide_the_other() {
    let world = World::ready().await;
    let away = [("SOURCE_URL", "mysql://me:s3cret@127.0.0.1:1/legacy")];
    let ended = world.run_with("check", &away);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stdout.contains("destination: PostgreSQL "), "{}", ended.stdout);
    let problem = "problem: no connection to the source mysql://me@127.0.0.1:1/legacy: ";
    assert!(ended.stdout.contains(problem), "{}", ended.stdout);
    let away = [("DATABASE_URL", "postgres://me:s3cret@127.0.0.1:1/new")];
    let ended = world.run_with("check", &away);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stdout.contains("source: PostgreSQL "), "{}", ended.stdout);
    assert!(!ended.stdout.contains("s3cret") && !ended.stderr.contains("s3cret"));
}

#[tokio::test]
async fn rows_that_cannot_be_addressed_are_counted_and_named() {
    let world = World::with_certificates(3).await;
    world
        .execute_at_source(
            "ALTER TABLE certificates DROP CONSTRAINT certificates_pkey, ALTER id DROP NOT NULL;
             CREATE INDEX ON certificates (id); INSERT INTO certificates (id) VALUES (2), (NULL), (NULL)",
        )
        .await;
    let ended = world.run("check --json");
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("a document");
    assert_eq!(document["ready"], false);
    assert_eq!(document["assessment"]["unaddressable"], 4);
    assert_eq!(document["assessment"]["certificates"], 2, "the others are planned all the same");
    assert_eq!(document["assessment"]["unaddressable_named"], json!(["2 (2 rows)"]));
    let what = document["problems"][0]["what"].as_str().expect("text");
    assert!(what.contains("2 without an id, 2 whose id another row has too: 2 (2 rows)"), "{what}");
}

/// The assessment of what `world` has now.
fn assessment(world: &World, arguments: &str) -> serde_json::Value {
    world.run(&format!("check --json {arguments}")).json()["assessment"].clone()
}

#[tokio::test]
async fn every_certificate_is_planned_unless_that_is_left_out() {
    let world = World::with_certificates(2500).await;
    let before = world.state().await;
    let planned = assessment(&world, "");
    assert_eq!((&planned["certificates"], &planned["would_fail"]), (&json!(2500), &json!(2500)));
    assert_eq!(
        (&planned["by_code"], &planned["by_field"]),
        (&json!({"missing_device": 2500}), &json!({"ecu_number": 2500}))
    );
    assert_eq!((&planned["would_migrate"], &planned["unaddressable"]), (&json!(0), &json!(0)));
    assert_eq!(planned["reasons"][0]["samples"][4], json!({"certificate_id": 5, "raw": " ECU5 "}));
    assert!(planned["seconds_estimated"].is_number(), "{planned}");
    let quick = assessment(&world, "--quick");
    for key in
        ["certificates", "would_migrate", "would_fail", "by_code", "warnings", "would_create", "seconds_estimated"]
    {
        assert!(quick[key].is_null(), "{key}: {quick}");
    }
    assert_eq!(quick["unaddressable"], 0);
    let sample = assessment(&world, "--sample 100");
    assert_eq!(
        (&sample["certificates"], &sample["unmigrated"], &sample["is_sample"]),
        (&json!(100), &json!(2500), &json!(true))
    );
    assert_eq!(sample["reasons"][0]["samples"][4]["certificate_id"], 101, "spread over all of them");
    assert!(world.run("check --sample 100").good().contains("of a sample of 100 of the 2,500 certificates"));
    assert_eq!(world.state().await, before, "nothing is written");
}

#[tokio::test]
async fn only_what_is_not_migrated_is_planned() {
    let world = World::with_certificates(5).await;
    world
        .execute(
            "INSERT INTO certferry.certificate_status (certificate_id, state, new_certificate_id, finished_at)
             VALUES (1, 'migrated', 1, now()), (2, 'skipped', NULL, now());
             INSERT INTO certferry.certificate_status (certificate_id) VALUES (3), (9)",
        )
        .await;
    let planned = assessment(&world, "");
    assert_eq!(
        (&planned["certificates"], &planned["migrated"], &planned["skipped"]),
        (&json!(4), &json!(1), &json!(1))
    );
    // Certificate 9 was enqueued and is gone from the source.
    assert_eq!(planned["by_code"], json!({"certificate_not_found": 1, "missing_device": 3}));
}

#[tokio::test]
async fn nothing_is_planned_while_something_hinders_it() {
    let world = World::with_certificates(3).await;
    world.execute("ALTER TABLE devices DROP COLUMN is_blocked").await;
    let ended = world.run("check --json");
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("a document");
    assert!(document["assessment"]["would_migrate"].is_null() && document["assessment"]["by_code"].is_null());
    assert_eq!(document["assessment"]["unaddressable"], 0);
}

#[tokio::test]
async fn a_right_that_is_missing_is_a_problem_and_the_certificates_are_planned() {
    let world = World::with_certificates(3).await;
    let role = format!("reader_{}", std::process::id());
    world
        .execute(&format!(
            "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA certferry, apalis TO {role};
             GRANT ALL ON ALL TABLES IN SCHEMA certferry, apalis TO {role};
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
             GRANT INSERT ON certificates, customers, technicians TO {role}; GRANT UPDATE (is_blocked) ON devices TO {role}"
        ))
        .await;
    let url = world.database.replace("user=postgres", &format!("user={role}"));
    let ended = world.run_with("check --json", &[("DATABASE_URL", &url)]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("a document");
    let problems = document["problems"].as_array().expect("a list");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0]["what"], "the role lacks INSERT on the table vehicles of the destination");
    assert_eq!(problems[0]["hint"], "GRANT INSERT ON vehicles to the role of database.url");
    assert_eq!(document["assessment"]["would_fail"], 3);
    world.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn mappings_are_held_against_both_sides() {
    let world = World::with_certificates(4).await;
    world
        .execute(
            "INSERT INTO users (id, name) OVERRIDING SYSTEM VALUE VALUES (70, 'U');
             INSERT INTO certferry.mapping VALUES ('user', 7, 70, 'imported'), ('user', 8, 99, 'imported'),
                 ('customer', 5, 50, 'imported'), ('customer', 6, 51, 'imported')",
        )
        .await;
    world
        .execute_at_source(
            "UPDATE certificates SET user_id = id + 5, customer_id = 5; INSERT INTO customers (id, name) VALUES (5, 'C')",
        )
        .await;
    let document = world.run("check --json").json();
    let users = &document["mappings"]["users"];
    assert_eq!(
        (&users["named_by_certificates"], &users["mapped"], &users["percent"]),
        (&json!(4), &json!(2), &json!(50.0))
    );
    assert_eq!((&users["dangling"], &users["dangling_named"]), (&json!(1), &json!([{"old_id": 8, "new_id": 99}])));
    let customers = &document["mappings"]["customers"];
    assert_eq!((&customers["entries"], &customers["unknown_to_source"]), (&json!(2), &json!(1)));
    let notes = document["notes"].as_array().expect("a list");
    assert_eq!(notes[0], "1 mappings of users lead to ids that the destination does not have: 8 to 99");
    assert_eq!(notes.len(), 2);
}

#[tokio::test]
async fn a_forecast_that_is_kept_stands_in_the_status() {
    let world = World::with_certificates(3).await;
    assert!(world.run("status --json").json()["forecast"].is_null());
    let ended = world.run("check --save");
    assert!(ended.good().ends_with("the forecast is kept; `producer status` shows it beside the outcome"));
    let forecast = &world.run("status --json").json()["forecast"];
    assert_eq!(
        (&forecast["forecast"]["would_fail"], &forecast["forecast"]["by_code"]),
        (&json!(3), &json!({"missing_device": 3}))
    );
    assert!(forecast["forecast"]["reasons"][0].get("samples").is_none(), "no legacy values are kept: {forecast}");
    assert!(!world.run("status").good().contains("said producer check"), "nothing was enqueued");
    world.run("enqueue").good();
    assert!(world.run("status").good().contains("0 would migrate and 3 fail, said producer check"));
}
