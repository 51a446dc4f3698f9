//! What the report finds, and that what it names can be retried.

use calamine::{Data, Reader, Xlsx};
use serde_json::Value;

use crate::world::World;

/// The rows of a sheet, each as the texts of its first `columns` cells.
fn sheet(world: &World, report: &str, name: &str, columns: usize) -> Vec<Vec<String>> {
    let mut book: Xlsx<_> = calamine::open_workbook(world.folder.path().join(report)).unwrap();
    let range = book.worksheet_range(name).unwrap();
    let texts = |cells: &[Data]| cells[..columns].iter().map(ToString::to_string).collect();
    range.rows().skip(1).map(texts).collect()
}

async fn world() -> World {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(1).await;
    world
}

#[tokio::test]
async fn what_one_side_alone_knows_is_named_and_needs_a_person() {
    let world = world().await;
    world.succeeds("reporter", ["--output", "whole.xlsx"]).await;

    let migrated = "FROM certferry.certificate_status WHERE state = 'migrated'";
    let lost = world.number(&format!("SELECT max(certificate_id) {migrated} AND new_vehicle_id IS NOT NULL")).await;
    let destination =
        format!("SELECT new_certificate_id FROM certferry.certificate_status WHERE certificate_id = {lost}");
    world.execute(&format!("DELETE FROM vehicles WHERE certificate_id = ({destination})")).await;
    world.execute(&format!("DELETE FROM certificates WHERE id = ({destination})")).await;
    let gone = world.number(&format!("SELECT min(certificate_id) {migrated}")).await;
    world.execute_at_source(&format!("DELETE FROM certificates WHERE id = {gone}")).await;
    world.execute_at_source("INSERT INTO certificates (id, certificate_number) VALUES (900000001, 'NEW')").await;

    let output = world.runs("reporter", ["--output", "report.xlsx", "--json"]).await;
    assert_eq!(output.status.code(), Some(3));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let unaccounted = &document["unaccounted"];
    let counts =
        ["not_enqueued", "gone", "missing", "unaddressable"].map(|finding| unaccounted[finding].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1, 0]);
    assert_eq!((&unaccounted["source_rows"], &document["adds_up"]), (&2000.into(), &true.into()));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("attention: not accounted for: 1 not_enqueued, 1 gone, 1 missing\n"), "{said}");
    let mut found = sheet(&world, "report.xlsx", "Unaccounted", 3);
    found.sort();
    let mut expected = vec![
        [lost.to_string(), "missing".to_owned(), "migrated".to_owned()],
        [gone.to_string(), "gone".to_owned(), "migrated".to_owned()],
        ["900000001".to_owned(), "not_enqueued".to_owned(), String::new()],
    ];
    expected.sort();
    assert_eq!(found, expected);
    // Of some certificates nobody asks what else there is.
    world.succeeds("reporter", ["--run", "1", "--output", "run.xlsx"]).await;
    assert_eq!(sheet(&world, "run.xlsx", "Runs", 1), [["1"]]);

    // Every format says it; and nothing is found where there is no source to compare with.
    for format in ["csv", "jsonl", "html"] {
        let output = world.runs("reporter", ["--format", format, "--output", "report"]).await;
        assert_eq!(output.status.code(), Some(3), "{format}");
    }
    world.execute("UPDATE certferry.certificate_status SET new_certificate_id = (SELECT min(id) FROM certificates) WHERE state = 'migrated'").await;
    let mut alone = world.command("reporter", ["--output", "alone.xlsx", "--json"]);
    let output = alone.env_remove("SOURCE_URL").output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["unaccounted"]["not_compared"][0], "the source: source.url is not set");
}

#[tokio::test]
async fn what_is_left_in_the_report_is_retried() {
    let world = world().await;
    world.succeeds("reporter", ["--output", "report.xlsx", "--code", "missing_device"]).await;
    let failed = sheet(&world, "report.xlsx", "Unmigrated", 1).len();
    let retried = world.succeeds("producer", ["retry", "--from", "report.xlsx", "--json"]).await;
    let document: Value = serde_json::from_str(&retried).unwrap();
    assert_eq!((document["selected"].as_u64(), failed), (Some(46), 46));
    let filter =
        "SELECT filter ->> 'from' = 'report.xlsx' AND NOT filter ? 'ids_file' FROM certferry.run WHERE kind = 'retry'";
    assert_eq!(world.number(&format!("SELECT count(*) FROM ({filter}) AS run (is_named) WHERE is_named")).await, 1);
    let queued = "SELECT count(*) FROM certferry.certificate_status WHERE state = 'queued'";
    assert_eq!(world.number(queued).await, 46);

    std::fs::write(world.folder.path().join("table.xlsx"), "certificate_id\n1\n").unwrap();
    for file in ["table.xlsx", "nowhere.xlsx"] {
        let refused = world.runs("producer", ["retry", "--from", file]).await;
        assert_eq!(refused.status.code(), Some(2), "{file}");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.starts_with(&format!("error: could not read the workbook {file}\n")), "{said}");
    }
}
