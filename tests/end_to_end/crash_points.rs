//! Workers that die at every step of a batch, and one that only seems to.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;
use serde_json::Value;
use sqlx::Row;
use tokio::process::Command;

use crate::architecture::source_of;
use crate::conservation::Conservation;
use crate::verdicts::assert_as_expected;
use crate::world::{World, ended, signal, succeeded};

/// Every crash point of the worker, in the order in which a batch passes them.
const POINTS: [&str; 9] =
    ["claimed", "read", "looked_up", "planned", "begun", "written", "recorded", "completed", "committed"];

/// For each point, how often its workers pass it before they die there. Nine points and these many batches of eight are
/// fewer certificates than there are, so that none of them is without work before its time has come.
const PASSES: [u32; 7] = [0, 1, 5, 0, 8, 2, 0];

/// A worker for which FAILPOINTS says what happens at which crash point.
async fn worker_with(world: &World, failpoints: &str) -> Command {
    let version = world.succeeds("worker", ["--version"]).await;
    assert!(
        version.contains("fail-points"),
        "target/debug/worker was built without the feature `failpoints`; build it as `make test` does: \
         cargo build --workspace --bins --tests"
    );
    let mut command = world.command("worker", ["--drain"]);
    command.env("FAILPOINTS", failpoints);
    command
}

#[test]
fn every_crash_point_of_the_worker_is_tried() {
    let code = source_of("worker") + &source_of("migration");
    let named: BTreeSet<&str> =
        code.split("crash_point(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(named, BTreeSet::from(POINTS));
}

#[tokio::test]
async fn workers_that_die_at_every_step_lose_nothing_and_write_nothing_twice() {
    let mut world = World::with_cases().await;
    world.set("worker.batch_size", "8");
    world.set("worker.concurrency", "2");
    world.set("worker.max_crashes", "100");
    world.set("worker.orphan_after", "800ms");
    world.set("worker.poll_interval", "50ms");
    world.succeeds("producer", ["enqueue"]).await;
    let conservation = Conservation::of(&world).await;

    let doomed: VecDeque<(&str, u32)> = PASSES.iter().flat_map(|passes| POINTS.map(|point| (point, *passes))).collect();
    let doomed = RefCell::new(doomed);
    let deaths = RefCell::new(BTreeMap::<&str, usize>::new());
    let lane = async || {
        while let Some((point, passes)) = { doomed.borrow_mut().pop_front() } {
            let mut command = worker_with(&world, &format!("{point}={passes}*off->return")).await;
            let output = ended(command.spawn().unwrap()).await;
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.signal(), Some(Signal::ABORT.as_raw()), "{point}: {}\n{said}", output.status);
            assert!(!said.contains("breaks the rules"), "it did not die of its crash point: {said}");
            *deaths.borrow_mut().entry(point).or_default() += 1;
            conservation.assert_holds(&world).await;
        }
        world.drain(1).await;
    };
    tokio::join!(lane(), lane(), lane(), lane());

    assert!(POINTS.iter().all(|point| deaths.borrow().get(point) == Some(&PASSES.len())), "{deaths:?}");
    conservation.assert_holds(&world).await;
    assert_as_expected(&world).await;
}

/// Stops a worker with the certificate in hand, lets another take over and finish, and lets the first go on.
async fn assert_a_stopped_worker_is_late(id: i64, state: &str) {
    let mut world = World::with_cases().await;
    world.set("worker.orphan_after", "1s");
    world.set("worker.poll_interval", "50ms");
    world.succeeds("producer", ["enqueue", "--id", &id.to_string()]).await;
    let conservation = Conservation::of(&world).await;
    let stopped = worker_with(&world, "planned=1*sleep(4000)").await.spawn().unwrap();
    world.until("SELECT count(*) FROM apalis.jobs WHERE status = 'Running'", |running| running == 1).await;
    signal(&stopped, Signal::STOP);
    world.drain(1).await;
    let result =
        "SELECT state, new_certificate_id, worker, finished_at, attempts, xmin FROM certferry.certificate_status";
    let result = format!("SELECT row_to_json(result)::text FROM ({result}) AS result");
    let before: String = world.rows(&result).await[0].get(0);
    assert!(before.contains(&format!("\"state\":\"{state}\"")), "{before}");
    assert_eq!(late_results(&world).await, 0);

    signal(&stopped, Signal::CONT);
    let said = succeeded(ended(stopped).await);
    assert!(said.contains("already finished by others 1"), "{said}");
    let after: String = world.rows(&result).await[0].get(0);
    assert_eq!(after, before);
    assert_eq!(late_results(&world).await, 1);
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, i64::from(state == "migrated"));
    conservation.assert_holds(&world).await;
}

async fn late_results(world: &World) -> i64 {
    let status: Value = serde_json::from_str(&world.succeeds("producer", ["status", "--json"]).await).unwrap();
    let said = status["late_results"].as_i64().unwrap();
    assert_eq!(world.number("SELECT count(*) FROM certferry.late_result").await, said);
    said
}

#[tokio::test]
async fn a_worker_stopped_past_its_lease_is_late_with_a_certificate_that_another_migrated() {
    assert_a_stopped_worker_is_late(1, "migrated").await;
}

#[tokio::test]
async fn a_worker_stopped_past_its_lease_is_late_with_a_certificate_that_another_failed() {
    assert_a_stopped_worker_is_late(8, "failed").await;
}
