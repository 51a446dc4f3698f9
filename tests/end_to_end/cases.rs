use serde_json::Value;

use crate::verdicts::assert_as_expected;
use crate::world::World;

#[tokio::test]
async fn two_workers_migrate_every_case_as_expected() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    assert_eq!(world.number("SELECT count(*) FROM apalis.jobs").await, 2000);
    world.drain(2).await;
    assert_as_expected(&world).await;
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status WHERE attempts <> 1").await, 0);

    let status: Value = serde_json::from_str(&world.succeeds("producer", ["status", "--json"]).await).unwrap();
    assert_eq!(status["total"], 2000);
    assert_eq!(status["migrated"], 1631);
    assert_eq!(status["failed"], 369);
    assert_eq!(status["queued"], 0);
    assert_eq!(status["by_code"]["missing_device"], 46);
    assert_eq!(status["workers"], 0, "workers that ended are not alive");

    world.succeeds("reporter", ["--output", "report.xlsx"]).await;
    let report = std::fs::metadata(world.folder.path().join("report.xlsx")).unwrap();
    assert!(report.len() > 10_000);
}

#[tokio::test]
async fn exported_mappings_are_what_was_migrated_and_can_be_imported_again() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue", "--limit", "100"]).await;
    world.drain(1).await;
    world.succeeds("producer", ["export-mappings", "out"]).await;
    let text = std::fs::read_to_string(world.folder.path().join("out/certificates_mappings.json")).unwrap();
    let exported: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let migrated = world.number("SELECT count(*) FROM certferry.certificate_status WHERE state = 'migrated'").await;
    assert_eq!(i64::try_from(exported.len()).unwrap(), migrated);

    // Another run over the same destination, begun from the files alone, takes those certificates as migrated.
    world.execute("TRUNCATE certferry.certificate_status, certferry.mapping").await;
    world.succeeds("producer", ["import-mappings", "out"]).await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    assert_as_expected(&world).await;
}
