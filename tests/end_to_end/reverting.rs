//! Taking back what was migrated.

use serde_json::Value;

use crate::verdicts::assert_as_expected;
use crate::world::World;

/// Everything in the destination and all mappings, in one text; without what only says when a row was made.
const DESTINATION: &str = "
    SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
        SELECT 'certificate' || (to_jsonb(c) - 'created_at' - 'updated_at')::text AS line FROM certificates c
        UNION ALL SELECT 'vehicle' || (to_jsonb(v) - 'created_at' - 'updated_at')::text FROM vehicles v
        UNION ALL SELECT 'device' || (to_jsonb(d) - 'created_at' - 'updated_at')::text FROM devices d
        UNION ALL SELECT 'customer' || (to_jsonb(c) - 'created_at' - 'updated_at')::text FROM customers c
        UNION ALL SELECT 'technician' || (to_jsonb(t) - 'created_at' - 'updated_at')::text FROM technicians t
        UNION ALL SELECT 'mapping' || entity || old_id || ' ' || new_id || origin FROM certferry.mapping WHERE origin <> 'matched'
    ) AS everything";

async fn destination(world: &World) -> String {
    use sqlx::Row;
    world.rows(DESTINATION).await[0].get(0)
}

async fn json(world: &World, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = world.runs("producer", arguments).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn migrated_world() -> World {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    world
}

#[tokio::test]
async fn after_a_run_and_its_revert_the_destination_is_what_it_was() {
    let world = World::with_cases().await;
    let before = destination(&world).await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    let after = destination(&world).await;
    assert_ne!(before, after);
    let migrated = world.number("SELECT count(*) FROM certferry.certificate_status WHERE state = 'migrated'").await;

    let (code, shown) = json(&world, &["revert", "--run", "1", "--json"]).await;
    assert_eq!((code, &shown["would_revert"], &shown["blocked"]), (Some(0), &migrated.into(), &Value::Array(vec![])));
    assert_eq!(destination(&world).await, after, "looking changes nothing");
    let (code, _) = json(&world, &["revert", "--run", "1", "--execute", "0123456789abcdef", "--json"]).await;
    assert_eq!(code, Some(1), "no token that was given");
    let token = shown["token"].as_str().unwrap();
    let (code, done) = json(&world, &["revert", "--run", "1", "--execute", token, "--json"]).await;
    assert_eq!((code, &done["reverted"], &done["run"]), (Some(0), &migrated.into(), &2.into()));
    assert_eq!(destination(&world).await, before);

    let status: Value = serde_json::from_str(&world.succeeds("producer", ["status", "--json"]).await).unwrap();
    assert_eq!((&status["reverted"], &status["migrated"]), (&migrated.into(), &0.into()));
    let (_, runs) = json(&world, &["runs", "--json"]).await;
    for run in runs.as_array().unwrap() {
        assert_eq!((&run["adds_up"], &run["reverted"]), (&true.into(), &migrated.into()), "{run}");
    }
    assert_eq!((&runs[0]["kind"], &runs[0]["selected"]), (&"revert".into(), &migrated.into()));
    let (code, _) = json(&world, &["revert", "--run", "1", "--execute", token, "--json"]).await;
    assert_eq!(code, Some(1), "the token is stale");
    let (_, shown) = json(&world, &["revert", "--run", "1", "--json"]).await;
    assert_eq!(shown["would_revert"], 0);

    world.succeeds("producer", ["retry", "--reverted"]).await;
    world.drain(2).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn what_was_changed_since_or_is_referred_to_stays_and_is_named() {
    let world = migrated_world().await;
    let ids = world
        .rows(
            "SELECT certificate_id, new_certificate_id, new_vehicle_id FROM certferry.certificate_status
             WHERE state = 'migrated' AND new_vehicle_id IS NOT NULL ORDER BY certificate_id LIMIT 5",
        )
        .await;
    let row = |at: usize, column: usize| -> i64 {
        use sqlx::Row;
        ids[at].get(column)
    };
    for sql in [
        format!("UPDATE certificates SET remarks = 'changed' WHERE id = {}", row(0, 1)),
        format!("UPDATE vehicles SET model = 'changed' WHERE id = {}", row(1, 2)),
        format!("DELETE FROM vehicles WHERE id = {}", row(2, 2)),
        "CREATE TABLE invoices (id bigint GENERATED ALWAYS AS IDENTITY, certificate bigint REFERENCES certificates (id) ON DELETE CASCADE)".to_owned(),
        format!("INSERT INTO invoices (certificate) VALUES ({})", row(3, 1)),
    ] {
        world.execute(&sql).await;
    }
    let mut arguments: Vec<String> = ["revert", "--json"].map(str::to_owned).to_vec();
    for at in 0..5 {
        arguments.extend(["--id".to_owned(), row(at, 0).to_string()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (code, shown) = json(&world, &arguments).await;
    assert_eq!((code, &shown["would_revert"]), (Some(3), &1.into()), "{shown}");
    let why: Vec<&str> =
        shown["blocked"].as_array().unwrap().iter().map(|blocked| blocked["why"].as_str().unwrap()).collect();
    assert_eq!(
        why,
        [
            "it was changed since: certificate.remarks",
            "it was changed since: vehicle.model",
            "it was changed since: vehicle",
            "rows of invoices (certificate) refer to it",
        ]
    );
    let execute = [arguments.as_slice(), &["--execute", shown["token"].as_str().unwrap()]].concat();
    let (code, done) = json(&world, &execute).await;
    assert_eq!((code, &done["reverted"], done["blocked"].as_array().unwrap().len()), (Some(3), &1.into(), 4), "{done}");
    assert_eq!(world.number("SELECT count(*) FROM invoices").await, 1);
    let gone = format!("SELECT count(*) FROM certificates WHERE id = {}", row(4, 1));
    assert_eq!(world.number(&gone).await, 0);
}
