use serde_json::json;

use crate::world::World;

/// Ten certificates: 1 to 4 failed for want of a device (the fourth also of ECU4), 5 and 6 for a taken number, 7 skipped,
/// 8 migrated, 9 and 10 queued.
async fn world() -> World {
    let world = World::with_certificates(10).await;
    world.run("enqueue").good();
    world
        .execute(
            r#"UPDATE certferry.certificate_status SET state = 'failed', error_kind = 'mapping', error_code = 'missing_device',
                error_message = 'none', issues = '[{"field": "ecu_number", "code": "missing_device", "kind": "mapping", "message": "none"}]', finished_at = now(), ecu_number = 'ECU' || certificate_id, attempts = 1
             WHERE certificate_id <= 4;
             UPDATE certferry.certificate_status SET state = 'failed', error_kind = 'database', error_code = 'unique_violation',
                error_message = 'taken', issues = '[{}]', finished_at = now(), attempts = 2
             WHERE certificate_id IN (5, 6);
             UPDATE certferry.certificate_status SET state = 'skipped', finished_at = now() WHERE certificate_id = 7;
             UPDATE certferry.certificate_status SET state = 'migrated', new_certificate_id = 1, finished_at = now()
             WHERE certificate_id = 8;
             DELETE FROM apalis.jobs WHERE idempotency_key::bigint <= 8"#,
        )
        .await;
    assert_eq!(world.rows_and_jobs().await, (2, 2));
    world
}

#[tokio::test]
async fn filters_narrow_each_other() {
    for (arguments, expected) in [
        ("", 6),
        ("--kind mapping", 4),
        ("--code unique_violation", 2),
        ("--kind database --code unique_violation --id 6 --id 1", 1),
        ("--code missing_device --ecu ECU4", 1),
        ("--ecu ECU1 --ecu ECU2 --id 2 --id 3", 1),
        ("--id 8 --id 9 --id 7 --id 77", 0),
        ("--skipped", 1),
        ("--code invalid_date", 0),
        ("--code missing_device --code unique_violation", 6),
        ("--kind mapping --kind database --id 5 --id 4", 2),
        ("--state failed", 6),
        ("--state skipped", 1),
        ("--state migrated", 0),
        ("--field ecu_number", 4),
        ("--field speed", 0),
        ("--run 1", 6),
        ("--run 2", 0),
        ("--reverted", 0),
    ] {
        let world = world().await;
        let before = world.state().await;
        let said = world.run(&format!("retry {arguments} --dry-run --json")).json();
        assert_eq!((&said["selected"], &said["enqueued"]), (&json!(expected), &json!(expected)), "{arguments}");
        assert_eq!(world.state().await, before, "{arguments}");
        let done = world.run(&format!("retry {arguments} --json")).json();
        assert_eq!((&done["enqueued"], &done["complete"]), (&json!(expected), &json!(true)), "{arguments}");
        assert_eq!(world.rows_and_jobs().await, (2 + expected, 2 + expected), "{arguments}");
    }
}

#[tokio::test]
async fn a_retried_certificate_is_queued_and_keeps_no_reason() {
    let world = world().await;
    assert_eq!(world.run("retry").good(), "selected 6 failed certificates, enqueued 6 again");
    let clean = "SELECT count(*) FROM certferry.certificate_status
                 WHERE state = 'queued' AND error_code IS NULL AND issues = '[]' AND finished_at IS NULL";
    assert_eq!(world.number(clean).await, 8);
    assert_eq!(world.run("retry").good(), "selected 0 failed certificates, enqueued 0 again");
    let skipped = world.run("retry --skipped --dry-run").good().to_owned();
    assert_eq!(skipped, "selected 1 skipped certificates, would enqueue 1 again\nthey are: 7");
}

#[tokio::test]
async fn several_at_once_queue_each_certificate_once() {
    let world = world().await;
    let many: Vec<_> = (0..3).map(|_| world.start("retry --json")).collect();
    let mut enqueued = 0;
    for child in many {
        let document = crate::world::Ended::of(child.wait_with_output().expect("it ends")).json();
        enqueued += document["enqueued"].as_i64().expect("a number");
    }
    assert_eq!((enqueued, world.rows_and_jobs().await), (6, (8, 8)));
}

#[tokio::test]
async fn a_dry_run_says_what_is_not_eligible_and_why() {
    let world = world().await;
    let said = world.run("retry --id 1 --id 7 --id 8 --id 9 --id 77 --dry-run --json").json();
    assert_eq!(
        (&said["selected"], &said["samples"], &said["ineligible"], &said["unknown"], &said["dry_run"]),
        (&json!(1), &json!([1]), &json!({"queued": 1, "migrated": 1, "skipped": 1}), &json!(1), &json!(true))
    );
}

/// What a certificate was when a later run queued it again goes on to count in the run it was in.
#[tokio::test]
async fn every_run_adds_up_for_good() {
    let world = world().await;
    world.run("retry --code missing_device").good();
    world.run("retry --skipped").good();
    world.execute("UPDATE certferry.certificate_status SET state = 'failed', error_kind = 'mapping', error_code = 'missing_device',
        error_message = 'none', finished_at = now() WHERE certificate_id = 2").await;
    world.run("retry --id 2").good();
    let counts = |run: &serde_json::Value| {
        ["run", "selected", "queued", "migrated", "failed", "skipped"].map(|key| run[key].as_i64().expect(key))
    };
    let runs = world.run("runs --json").json();
    let runs = runs.as_array().expect("an array");
    let found: Vec<_> = runs.iter().map(counts).collect();
    // The newest first.
    assert_eq!(found, [[4, 1, 1, 0, 0, 0], [3, 1, 1, 0, 0, 0], [2, 4, 3, 0, 1, 0], [1, 10, 2, 1, 6, 1]]);
    assert!(runs.iter().all(|run| run["adds_up"] == true && run["outcome"] == "running"), "{runs:?}");
    assert_eq!((&runs[0]["kind"], &runs[0]["filter"]), (&json!("retry"), &json!({"ids": [2]})));
    let before = world.number("SELECT count(*) FROM certferry.history WHERE outcome = 'failed'").await;
    assert_eq!(before, 5, "what a retry replaces is kept");
}
