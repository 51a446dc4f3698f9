//! Queued certificates without a job, jobs without a status row, and a queue that is only about to be filled.

use tokio::io::{AsyncBufReadExt, BufReader};

use crate::verdicts::assert_as_expected;
use crate::world::{World, ended, succeeded};

#[tokio::test]
async fn workers_that_drain_restore_jobs_that_are_gone() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    world.execute("DELETE FROM apalis.jobs").await;
    world.drain(2).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn a_queue_that_was_dropped_is_filled_again() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    world.execute("DROP SCHEMA apalis CASCADE").await;
    world.succeeds("producer", ["setup"]).await;
    let said = world.succeeds("producer", ["enqueue"]).await;
    assert!(said.ends_with("missing jobs restored 2000\n"), "{said}");
    world.drain(2).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn jobs_are_restored_beside_running_workers() {
    let mut world = World::with_cases().await;
    world.set("worker.batch_size", "20");
    world.succeeds("producer", ["enqueue"]).await;
    let workers = [(); 2].map(|()| world.start("worker", ["--drain"]));
    for _ in 0..5 {
        let deleted = world.try_to_execute("DELETE FROM apalis.jobs WHERE idempotency_key::bigint % 3 = 0").await;
        if let Err(error) = deleted {
            assert!(error.to_string().contains("deadlock"), "{error}");
        }
        world.succeeds("producer", ["enqueue"]).await;
    }
    for worker in workers {
        succeeded(ended(worker).await);
    }
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn a_job_whose_certificate_has_no_status_row_is_not_lost() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    world.execute("DELETE FROM certferry.certificate_status WHERE certificate_id % 50 = 0").await;
    world.drain(2).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn a_worker_that_drains_waits_for_a_producer_that_is_at_work_and_for_no_dead_one() {
    let mut world = World::with_cases().await;
    world.set("worker.poll_interval", "50ms");
    let at_work = |name: &str, seen_at: &str| {
        format!("INSERT INTO certferry.producer_at_work (name, seen_at) VALUES ('{name}', {seen_at})")
    };
    world.execute(&at_work("dead", "now() - interval '31 s'")).await;
    world.drain(1).await;
    world.execute(&at_work("at work", "now() + interval '1 hour'")).await;
    let mut worker = world.start("worker", ["--drain"]);
    let mut lines = BufReader::new(worker.stderr.take().unwrap()).lines();
    let waiting = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("a producer is at work; waiting for it") {
                return true;
            }
        }
        false
    };
    assert!(waiting.await, "it ended");
    world.succeeds("producer", ["enqueue"]).await;
    let queued = "SELECT count(*) FROM certferry.certificate_status WHERE state = 'queued'";
    world.until(queued, |queued| queued == 0).await;
    assert!(worker.try_wait().unwrap().is_none(), "the other producer is still at work");
    world.execute("DELETE FROM certferry.producer_at_work WHERE name = 'at work'").await;
    let reading = async { while lines.next_line().await.unwrap().is_some() {} };
    let (output, ()) = tokio::join!(ended(worker), reading);
    assert!(output.status.success());
    assert_as_expected(&world).await;
}
