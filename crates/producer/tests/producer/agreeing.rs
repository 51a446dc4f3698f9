//! Nobody takes part in a migration who does not agree with what it was begun with.

use certferry_testkit::load::LEGACY_SCHEMA;
use certferry_testkit::postgres::{Database, Template};

use crate::world::{World, execute};

const ROWS: &str = "SELECT count(*) FROM certferry.manifest";

#[tokio::test]
async fn what_was_begun_with_is_recorded_once() {
    let world = World::with_certificates(150).await;
    assert_eq!(world.number(ROWS).await, 1, "the destination, by setup");
    world.run("enqueue --dry-run").good();
    assert_eq!(world.number(ROWS).await, 1);
    let many: Vec<_> = (0..3).map(|_| world.start("enqueue")).collect();
    for child in many {
        assert!(child.wait_with_output().expect("it ends").status.success());
    }
    assert_eq!(world.number(ROWS).await, 2);
    world.run("setup").good();
    world.run("retry").good();
    world.run("check").good();
    // Certificates come, go and are corrected.
    world.execute_at_source("DELETE FROM certificates WHERE id < 60; INSERT INTO certificates (id) VALUES (-5)").await;
    world.execute_at_source("UPDATE certificates SET certificate_number = 'N' || id").await;
    world.run("enqueue").good();
    assert_eq!(world.number(ROWS).await, 2);
}

#[tokio::test]
async fn another_source_is_refused_until_it_is_accepted() {
    let world = World::with_certificates(10).await;
    world.run("enqueue").good();
    let other = Database::fresh(Template::sql("legacy", [LEGACY_SCHEMA])).await.expect("a database").url();
    execute(&other, "INSERT INTO certificates (id) VALUES (1), (2), (11)").await;
    let there = [("SOURCE_URL", other.as_str())];
    let refused = world.run_with("enqueue", &there);
    let message = refused.bad(1);
    assert!(message.starts_with("error: this is not what the migration was begun with:\n  source.url: "), "{message}");
    assert!(message.contains("hint: ") && message.contains("--accept-changes"), "{message}");
    assert_eq!(world.rows_and_jobs().await, (10, 10));
    let check = world.run_with("check", &there);
    assert_eq!(check.code, Some(3));
    assert!(check.stdout.contains("problem: source.url: recorded is the PostgreSQL database"), "{}", check.stdout);

    let accepted = world.run_with("setup --accept-changes --json", &there).json();
    assert_eq!(accepted["accepted"][0]["key"], "source.url");
    world.run_with("enqueue", &there).good();
    assert_eq!(world.rows_and_jobs().await, (11, 11));
    world.run("enqueue").bad(1);
    assert_eq!(world.number(ROWS).await, 3, "what was in force before is kept");
}

#[tokio::test]
async fn other_rules_are_refused_until_they_are_accepted() {
    let world = World::with_certificates(10).await;
    let changed = [("CERTFERRY__CUSTOMERS__ON_MISSING", "fail"), ("CERTFERRY__DATES__TIMEZONE", "Europe/Berlin")];
    // Nothing was decided by any rules yet.
    world.run_with("setup", &changed).good();
    world.run("enqueue").good();
    for command in ["enqueue", "retry"] {
        let refused = world.run_with(command, &changed);
        let message = refused.bad(1);
        assert!(message.contains("\n  customers.on_missing: recorded is create, now it is fail"), "{message}");
        assert!(message.contains("\n  dates.timezone: recorded is Asia/Dubai, now it is Europe/Berlin"), "{message}");
    }
    let said = world.run_with("setup --accept-changes", &changed);
    assert!(said.good().ends_with("\naccepted: dates.timezone: recorded is Asia/Dubai, now it is Europe/Berlin"));
    world.run_with("retry", &changed).good();
    world.run("retry").bad(1);
    let nothing = world.run_with("setup --accept-changes --json", &changed).json();
    assert_eq!(nothing["accepted"], serde_json::json!([]));
}

#[tokio::test]
async fn another_destination_is_refused() {
    let world = World::with_certificates(10).await;
    world.run("enqueue").good();
    // Everything is there, elsewhere.
    world
        .execute(
            "CREATE SCHEMA elsewhere;
             DO $$ DECLARE name text; BEGIN
                 FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                     EXECUTE format('CREATE TABLE elsewhere.%I (LIKE public.%I INCLUDING ALL)', name, name);
                 END LOOP;
             END $$",
        )
        .await;
    for command in ["enqueue", "retry"] {
        let refused = world.run_with(command, &[("CERTFERRY__DESTINATION__SCHEMA", "elsewhere")]);
        assert!(refused.bad(1).contains("now it is what has these names in schema elsewhere"), "{}", refused.stderr);
    }
    // As after a restore: the same tables under other oids.
    world.execute("ALTER TABLE devices RENAME TO former; CREATE TABLE devices (LIKE former INCLUDING ALL)").await;
    let message = world.run("enqueue").bad(1).to_owned();
    assert!(message.contains("recorded is devices of schema public"), "{message}");
    assert!(message.contains("restored, cloned or created anew"), "{message}");
    world.run("setup").bad(1);
    world.run("setup --accept-changes").good();
    world.run("enqueue").good();
}

#[tokio::test]
async fn a_role_that_only_reads_and_writes_takes_part() {
    let world = World::with_certificates(10).await;
    world
        .execute(
            "DO $$ BEGIN CREATE ROLE certferry_clerk LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$;
             GRANT USAGE ON SCHEMA public, certferry, apalis TO certferry_clerk;
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, certferry, apalis TO certferry_clerk",
        )
        .await;
    let url =
        world.database.replacen("postgres@", "certferry_clerk@", 1).replace("user=postgres", "user=certferry_clerk");
    assert_ne!(url, world.database, "the URL names the user");
    world.run_with("enqueue", &[("DATABASE_URL", url.as_str())]).good();
    assert_eq!(world.number(ROWS).await, 2);
}
