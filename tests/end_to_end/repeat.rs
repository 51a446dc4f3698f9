//! Doing it again changes nothing, and doing it at the same time does it once.

use sqlx::Row;

use crate::verdicts::assert_as_expected;
use crate::world::{World, ended, succeeded};

/// One line for every row there is, with the transaction that wrote it.
const EVERY_ROW: &str = "
SELECT 'certificates' AS name, count(*), max(xmin::text::bigint) AS last_written FROM certificates
UNION ALL SELECT 'vehicles', count(*), max(xmin::text::bigint) FROM vehicles
UNION ALL SELECT 'customers', count(*), max(xmin::text::bigint) FROM customers
UNION ALL SELECT 'technicians', count(*), max(xmin::text::bigint) FROM technicians
UNION ALL SELECT 'devices', count(*), max(xmin::text::bigint) FROM devices
UNION ALL SELECT 'mapping', count(*), max(xmin::text::bigint) FROM certferry.mapping
UNION ALL SELECT 'status', count(*), max(xmin::text::bigint) FROM certferry.certificate_status
UNION ALL SELECT 'jobs', count(*), max(xmin::text::bigint) FROM apalis.jobs";

async fn every_row(world: &World) -> Vec<(String, i64, Option<i64>)> {
    world.rows(EVERY_ROW).await.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn enqueueing_and_working_again_changes_not_one_row() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    let before = every_row(&world).await;
    world.succeeds("producer", ["setup"]).await;
    let said = world.succeeds("producer", ["enqueue", "--json"]).await;
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((said["selected"].as_i64(), said["enqueued"].as_i64()), (Some(2000), Some(0)));
    world.drain(2).await;
    assert_eq!(every_row(&world).await, before);
}

#[tokio::test]
async fn three_producers_at_once_push_one_job_for_each_certificate() {
    let mut world = World::with_cases().await;
    world.set("source.page_size", "50");
    let producers = [(); 3].map(|()| world.start("producer", ["enqueue", "--json"]));
    let mut enqueued = 0;
    for producer in producers {
        let said: serde_json::Value = serde_json::from_str(&succeeded(ended(producer).await)).unwrap();
        enqueued += said["enqueued"].as_i64().unwrap();
    }
    assert_eq!(enqueued, 2000);
    assert_eq!(world.number("SELECT count(*) FROM apalis.jobs").await, 2000);
    let distinct = "SELECT count(DISTINCT convert_from(job, 'UTF8')::jsonb ->> 'certificate_id') FROM apalis.jobs";
    assert_eq!(world.number(distinct).await, 2000);
    world.drain(2).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn a_job_pushed_twice_by_hand_migrates_its_certificate_once() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    world
        .execute(
            "INSERT INTO apalis.jobs (id, job_type, job, run_at, priority)
             SELECT apalis.generate_ulid(), job_type, job, run_at, 0 FROM apalis.jobs",
        )
        .await;
    world.drain(2).await;
    assert_as_expected(&world).await;
}
