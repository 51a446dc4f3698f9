//! Workers that are killed, stopped and told to stop.

use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::verdicts::assert_as_expected;
use crate::world::{World, ended, signal, succeeded};

const FINISHED: &str = "SELECT count(*) FROM certferry.certificate_status WHERE state <> 'queued'";
const RUNNING: &str = "SELECT count(*) FROM apalis.jobs WHERE status = 'Running'";

async fn enqueued_world() -> World {
    let mut world = World::with_cases().await;
    world.set("worker.batch_size", "40");
    world.set("worker.orphan_after", "1500ms");
    world.succeeds("producer", ["enqueue"]).await;
    world
}

#[tokio::test]
async fn killing_a_worker_in_the_middle_and_starting_another_ends_as_expected() {
    let world = enqueued_world().await;
    let mut worker = world.start("worker", ["--drain"]);
    world.until(FINISHED, |finished| finished >= 300).await;
    worker.kill().await.unwrap();
    assert!(world.number(FINISHED).await < 2000, "it was killed too late to prove anything");
    world.drain(1).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn a_worker_that_was_thought_dead_and_comes_back_changes_nothing() {
    let mut world = enqueued_world().await;
    // It may be stopped within a transaction: the server ends that, and gives the locks back, after this time.
    world.set("database.statement_timeout", "5s");
    let stopped = world.start("worker", ["--drain"]);
    world.until(FINISHED, |finished| finished >= 100).await;
    signal(&stopped, Signal::STOP);
    let held = world.number(RUNNING).await;
    world.drain(1).await;
    signal(&stopped, Signal::CONT);
    succeeded(ended(stopped).await);
    assert_as_expected(&world).await;
    let late = world.number("SELECT count(*) FROM certferry.late_result").await;
    assert!(late <= held, "{late} late results of {held} certificates that were held");
}

#[tokio::test]
async fn a_worker_told_to_stop_finishes_what_it_began_and_leaves_nothing_claimed() {
    let world = enqueued_world().await;
    let worker = world.start("worker", [""; 0]);
    world.until(FINISHED, |finished| finished >= 100).await;
    signal(&worker, Signal::TERM);
    succeeded(ended(worker).await);
    assert!(world.number(FINISHED).await < 2000, "it was stopped too late to prove anything");
    assert_eq!(world.number(RUNNING).await, 0);
    assert_eq!(world.number("SELECT count(*) FROM apalis.jobs WHERE attempts > 0 OR priority > 0").await, 0);
    world.drain(2).await;
    assert_as_expected(&world).await;
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status WHERE attempts <> 1").await, 0);
}

#[tokio::test]
async fn a_second_signal_stops_at_once_and_the_work_goes_back() {
    let world = enqueued_world().await;
    // Whoever locks the table keeps every batch from ending.
    let mut blocker = world.connection().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE certificates IN EXCLUSIVE MODE").execute(&mut blocker).await.unwrap();
    let worker = world.start("worker", [""; 0]);
    world.until(RUNNING, |running| running > 0).await;
    signal(&worker, Signal::TERM);
    // The first signal is heard when nothing is claimed any more; a second one before that would be the same to the
    // process, so it is repeated until the worker is gone.
    let waiting = tokio::spawn(ended(worker));
    tokio::time::timeout(Duration::from_secs(30), async {
        while !waiting.is_finished() {
            if world.number(RUNNING).await > 0 {
                // The child's handle has moved: its name in the queue holds its pid.
                let pid: i64 = world
                    .number("SELECT split_part(id, '-', cardinality(string_to_array(id, '-')) - 1)::bigint FROM apalis.workers")
                    .await;
                let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
                assert!(matches!(kill_process(pid, Signal::TERM), Ok(()) | Err(Errno::SRCH)), "it is ours to signal");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("the worker did not stop");
    succeeded(waiting.await.unwrap());
    assert_eq!(world.number(RUNNING).await, 0);
    sqlx::raw_sql("ROLLBACK").execute(&mut blocker).await.unwrap();
    world.drain(1).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn a_certificate_with_which_every_worker_dies_is_given_up_alone() {
    let mut world = enqueued_world().await;
    world.set("worker.max_crashes", "2");
    world.set("worker.concurrency", "1");
    // The one certificate never ends; whoever has it is killed, as if it had killed them.
    world
        .execute(
            "CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN IF NEW.certificate_number = 'SLC/2016/070000000' THEN PERFORM pg_sleep(600); END IF; RETURN NEW; END $$;
             CREATE TRIGGER hang BEFORE INSERT ON certificates FOR EACH ROW EXECUTE FUNCTION hang()",
        )
        .await;
    for _ in 0..2 {
        let mut worker = world.start("worker", [""; 0]);
        world
            .until(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()",
                |sleeping| sleeping > 0,
            )
            .await;
        worker.kill().await.unwrap();
        world
            .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()")
            .await;
    }
    world.drain(1).await;
    let given_up = "SELECT count(*) FROM certferry.certificate_status
                    WHERE certificate_id = 1 AND error_code = 'attempts_exhausted' AND attempts = 2";
    assert_eq!(world.number(given_up).await, 1);
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status WHERE state = 'failed'").await, 370);
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, 1630);

    world.execute("DROP TRIGGER hang ON certificates").await;
    world.succeeds("producer", ["retry", "--code", "attempts_exhausted"]).await;
    world.drain(1).await;
    assert_as_expected(&world).await;
}
