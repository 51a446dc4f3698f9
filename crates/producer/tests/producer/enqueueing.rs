use std::str::FromStr;

use certferry_source::Entity;
use certferry_testkit::mariadb;
use serde_json::json;
use sqlx::{ConnectOptions, Connection};

use crate::world::{Ended, World, execute};

#[tokio::test]
async fn every_certificate_gets_one_job_however_often() {
    let world = World::with_certificates(2500).await;
    assert_eq!(world.run("enqueue").good(), "selected 2500, enqueued 2500, already known 0");
    assert_eq!(world.rows_and_jobs().await, (2500, 2500));
    let before = world.state().await;
    assert_eq!(world.run("enqueue").good(), "selected 2500, enqueued 0, already known 2500");
    assert_eq!(world.state().await, before);

    execute(&world.source, "INSERT INTO certificates (id) VALUES (-3), (9223372036854775807)").await;
    let expected = json!({
        "run": 3, "selected": 2502, "enqueued": 2, "already_known": 2500, "unaddressable": 0, "unaddressable_named": [],
        "jobs_restored": 0, "not_in_source": [], "dry_run": false, "complete": true,
    });
    assert_eq!(world.run("enqueue --json").json(), expected);
    assert_eq!(world.rows_and_jobs().await, (2502, 2502));
}

#[tokio::test]
async fn several_at_once_give_one_job_each() {
    let world = World::with_certificates(5000).await;
    let many: Vec<_> = (0..3).map(|_| world.start("enqueue --json")).collect();
    let mut enqueued = 0;
    for child in many {
        let output = child.wait_with_output().expect("it ends");
        let document = crate::world::Ended::of(output).json();
        assert_eq!(document["selected"], 5000);
        enqueued += document["enqueued"].as_i64().expect("a number");
    }
    assert_eq!(enqueued, 5000);
    assert_eq!(world.rows_and_jobs().await, (5000, 5000));
}

#[tokio::test]
async fn a_selection_is_by_id_by_ecu_number_or_both() {
    let world = World::with_certificates(3000).await;
    let ended = world.run("enqueue --ecu ECU7");
    assert_eq!(ended.good(), "selected 1, enqueued 1, already known 0");
    assert!(ended.stderr.starts_with("enqueueing certificates: 1 in "), "{}", ended.stderr);
    let ended = world.run("enqueue --id 7 --id 8 --id 8 --id -9 --id 99999");
    assert_eq!(ended.good(), "selected 2, enqueued 1, already known 1, not in the source 2");
    assert!(ended.stderr.contains("-9, 99999"), "{}", ended.stderr);
    let file = world.file("ids.txt", "# two\n11\n\n 12 # the other\n");
    let both = format!("enqueue --id 13 --ids-file {} --ecu ECU11 --ecu ECU13 --ecu ECU14 --json", file.display());
    let document = world.run(&both).json();
    assert_eq!((&document["enqueued"], &document["not_in_source"]), (&json!(2), &json!([12])));
    assert_eq!(world.rows_and_jobs().await, (4, 4));
    let rows = "SELECT count(*) FROM certferry.certificate_status WHERE certificate_id IN (7, 8, 11, 13)";
    assert_eq!(world.number(rows).await, 4);
}

#[tokio::test]
async fn a_limit_counts_what_is_new() {
    let world = World::with_certificates(2500).await;
    assert_eq!(world.run("enqueue --id 1 --id 3").good(), "selected 2, enqueued 2, already known 0");
    assert_eq!(world.run("enqueue --limit 3").good(), "selected 5, enqueued 3, already known 2");
    assert_eq!(world.run("enqueue --limit 1200").good(), "selected 1205, enqueued 1200, already known 5");
    assert_eq!(world.run("enqueue --limit 99999").good(), "selected 2500, enqueued 1295, already known 1205");
    assert_eq!(world.rows_and_jobs().await, (2500, 2500));
    assert_eq!(world.run("enqueue --limit 5").good(), "selected 2500, enqueued 0, already known 2500");
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_writes_nothing() {
    let world = World::with_certificates(2500).await;
    world.run("enqueue --limit 700").good();
    let before = world.state().await;
    for arguments in ["", "--limit 1300", "--ecu ECU1 --ecu ECU2000", "--id 5 --id 5000"] {
        let said = world.run(&format!("enqueue --dry-run {arguments} --json")).json();
        assert_eq!(world.state().await, before, "{arguments}");
        if arguments == "--limit 1300" {
            assert_eq!((&said["selected"], &said["enqueued"]), (&json!(2000), &json!(1300)));
        }
    }
    let said = world.run("enqueue --dry-run");
    assert_eq!(said.good(), "selected 2500, would enqueue 1800, already known 700");
    assert_eq!(world.run("enqueue").good(), "selected 2500, enqueued 1800, already known 700");
}

#[tokio::test]
async fn an_empty_selection_is_no_mistake() {
    let world = World::ready().await;
    assert_eq!(world.run("enqueue").good(), "selected 0, enqueued 0, already known 0");
    let file = world.file("ids.txt", "# none\n");
    let by_file = format!("enqueue --ids-file {}", file.display());
    assert_eq!(world.run(&by_file).good(), "selected 0, enqueued 0, already known 0");
    assert_eq!(world.run("enqueue --ecu ECU1").good(), "selected 0, enqueued 0, already known 0");
}

/// Ids that sort as text, and rows without one: each page used to end the whole reading.
#[tokio::test]
async fn nothing_is_lost_whatever_the_ids_are() {
    let pages = ("CERTFERRY__SOURCE__PAGE_SIZE", "100");
    let columns: Vec<String> =
        Entity::Certificates.columns()[1..].iter().map(|name| format!("NULL AS {name}")).collect();
    let query = format!("SELECT id, {} FROM strange", columns.join(", "));

    let mariadb = mariadb::Database::fresh().await.expect("a database").url();
    let sql = "CREATE TABLE strange (id VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY);
               INSERT INTO strange SELECT seq FROM seq_1_to_20000";
    let mut connection = sqlx::MySqlConnection::connect(&mariadb).await.expect("a connection");
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("rows");

    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = format!("sqlite:{}", folder.path().join("legacy.db").display());
    let options = sqlx::sqlite::SqliteConnectOptions::from_str(&sqlite).expect("a URL").create_if_missing(true);
    let mut connection = options.connect().await.expect("a connection");
    let sql = "CREATE TABLE strange (id INTEGER); CREATE INDEX of_id ON strange (id);
               WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 999)
               INSERT INTO strange SELECT n FROM n UNION ALL SELECT NULL";
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("rows");
    connection.close().await.expect("it closes");

    for (source, selected, unaddressable) in [(mariadb, 20_000, 0), (sqlite, 999, 1)] {
        let world = World::ready().await;
        let environment = [("SOURCE_URL", source.as_str()), ("CERTFERRY__SOURCE__CERTIFICATES", &query), pages];
        // A page each of MariaDB's table would sort it two hundred times over.
        let environment = if selected > 1000 { &environment[..2] } else { &environment[..] };
        let ended = world.run_with("enqueue --json", environment);
        assert_eq!(ended.code, Some(if unaddressable > 0 { 3 } else { 0 }), "{}", ended.stderr);
        let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("a document");
        assert_eq!(
            (&document["selected"], &document["enqueued"], &document["unaddressable"]),
            (&json!(selected), &json!(selected), &json!(unaddressable))
        );
        assert_eq!(world.rows_and_jobs().await, (selected, selected));
    }
}

#[tokio::test]
async fn rows_that_nothing_tells_apart_are_left_out_and_named() {
    let world = World::with_certificates(2500).await;
    world
        .execute_at_source(
            "ALTER TABLE certificates DROP CONSTRAINT certificates_pkey, ALTER id DROP NOT NULL;
             CREATE INDEX ON certificates (id);
             INSERT INTO certificates (id, ecu_number) VALUES (1000, 'X'), (1000, 'X'), (1001, 'ECU1001'), (NULL, 'ECU5')",
        )
        .await;
    let found = |ended: &Ended| {
        assert_eq!(ended.code, Some(3), "{} {}", ended.stdout, ended.stderr);
        ended.stdout.trim_end().to_owned()
    };
    let ended = world.run("enqueue --id 999 --id 1000");
    assert_eq!(found(&ended), "selected 1, enqueued 1, already known 0, unaddressable 3");
    assert!(ended.stderr.contains("attention: 3 rows of the source were left out"), "{}", ended.stderr);
    assert!(ended.stderr.contains("1000 (3 rows)"), "{}", ended.stderr);
    let ended = world.run("enqueue --ecu ECU5 --ecu ECU1001 --ecu ECU6");
    assert_eq!(found(&ended), "selected 2, enqueued 2, already known 0, unaddressable 3");
    assert_eq!(world.run("enqueue --limit 5").good(), "selected 7, enqueued 5, already known 2");
    assert_eq!(
        world.run("enqueue --limit 5 --dry-run --ecu ECU8").good(),
        "selected 1, would enqueue 1, already known 0"
    );
    let ended = world.run("enqueue --dry-run");
    assert_eq!(found(&ended), "selected 2498, would enqueue 2490, already known 8, unaddressable 6");
    let ended = world.run("enqueue");
    assert_eq!(found(&ended), "selected 2498, enqueued 2490, already known 8, unaddressable 6");
    assert!(ended.stderr.contains("1 without an id, 5 whose id another row has too: 1000 (3 rows), 1001 (2 rows)"));
    assert_eq!(world.rows_and_jobs().await, (2498, 2498));
    let ended = world.run("enqueue --limit 99999");
    assert_eq!(found(&ended), "selected 2498, enqueued 0, already known 2498, unaddressable 6");
}

/// A row that only the source's own count has, however often it is read.
#[tokio::test]
async fn what_the_source_counts_and_does_not_show_is_no_success() {
    let world = World::with_certificates(50).await;
    let query = "SELECT * FROM certificates WHERE id <> 5 OR strpos(current_query(), 'GROUP ' || 'BY') = 0";
    let ended = world.run_with("enqueue", &[("CERTFERRY__SOURCE__CERTIFICATES", query)]);
    let said = ended.bad(1);
    assert!(said.contains("stopped after reading it 3 times: selected 49, enqueued 49, already known 0"), "{said}");
    assert!(said.contains("the source has 50 rows, and of those 49 were read by their id and 0 have none"), "{said}");
    assert!(said.contains("hint: run it again when nothing changes the source"), "{said}");
    assert_eq!(world.rows_and_jobs().await, (49, 49));
    // Nobody asked for all of them here.
    let ended = world.run_with("enqueue --limit 3", &[("CERTFERRY__SOURCE__CERTIFICATES", query)]);
    assert_eq!(ended.code, Some(1), "it came to the end: {}", ended.stderr);
    let ended = world.run_with("enqueue --ecu ECU5 --ecu ECU6", &[("CERTFERRY__SOURCE__CERTIFICATES", query)]);
    assert_eq!(ended.good(), "selected 2, enqueued 1, already known 1");
}

#[tokio::test]
async fn missing_jobs_of_queued_certificates_are_restored() {
    let world = World::with_certificates(2500).await;
    world.run("enqueue --limit 2000").good();
    // One is final, one is set aside under its idempotency key, and one keeps its job.
    world
        .execute(
            "UPDATE certferry.certificate_status SET state = 'skipped', finished_at = now() WHERE certificate_id = 1;
             UPDATE apalis.jobs SET status = 'Killed' WHERE idempotency_key = '2';
             DELETE FROM apalis.jobs WHERE idempotency_key::bigint NOT IN (2, 3)",
        )
        .await;
    let dry = world.run("enqueue --dry-run --json").json();
    assert_eq!((&dry["enqueued"], &dry["jobs_restored"]), (&json!(500), &json!(1998)));
    assert_eq!(world.number("SELECT count(*) FROM apalis.jobs").await, 2);
    let many: Vec<_> = (0..3).map(|_| world.start("enqueue --json")).collect();
    let mut restored = 0;
    for child in many {
        let output = child.wait_with_output().expect("it ends");
        restored += crate::world::Ended::of(output).json()["jobs_restored"].as_i64().expect("a number");
    }
    assert_eq!(restored, 1998);
    assert_eq!(world.rows_and_jobs().await, (2499, 2499));
    assert_eq!(world.number("SELECT count(*) FROM apalis.jobs WHERE status = 'Pending'").await, 2499);
    world.execute("DELETE FROM apalis.jobs WHERE idempotency_key = '7'").await;
    let ended = world.run("retry");
    assert!(ended.good().ends_with("enqueued 0 again, missing jobs restored 1"), "{}", ended.stdout);
    assert!(ended.stderr.contains("queued certificates had no job"), "{}", ended.stderr);
    assert_eq!(world.number("SELECT count(*) FROM certferry.producer_at_work").await, 0);
}
