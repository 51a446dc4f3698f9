use serde_json::json;

use crate::world::{World, execute};

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
        "selected": 2502, "enqueued": 2, "already_known": 2500, "not_in_source": [], "dry_run": false, "complete": true,
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
