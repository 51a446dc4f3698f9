use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn when_nothing_stands_in_the_way_it_says_what_it_saw() {
    let world = World::with_certificates(3).await;
    let ended = world.run("check");
    assert!(ended.good().ends_with("nothing stands in the way"), "{}", ended.stdout);
    for line in
        ["destination: PostgreSQL ", "source: PostgreSQL ", "source.certificates: fits", "source.technicians: fits"]
    {
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
    assert_eq!(document["assessment"]["unaddressable_named"], json!(["2 (2 rows)"]));
    let what = document["problems"][0]["what"].as_str().expect("text");
    assert!(what.contains("2 without an id, 2 whose id another row has too: 2 (2 rows)"), "{what}");
}
