//! Pausing and resuming, by hand and by the circuit breaker; workers that fail and go on.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::conservation::Conservation;
use crate::verdicts::assert_as_expected;
use crate::world::{World, ended, signal, succeeded};

const RUNNING: &str = "SELECT count(*) FROM apalis.jobs WHERE status = 'Running'";
const FINISHED: &str = "SELECT count(*) FROM certferry.certificate_status WHERE state <> 'queued'";
const PAUSES: &str = "SELECT count(*) FROM certferry.pause";
const OPEN_PAUSES: &str = "SELECT count(*) FROM certferry.pause WHERE resumed_at IS NULL";

async fn enqueued_world() -> World {
    let mut world = World::with_cases().await;
    world.set("worker.batch_size", "20");
    world.set("worker.concurrency", "2");
    world.set("worker.orphan_after", "1500ms");
    world.succeeds("producer", ["enqueue"]).await;
    world
}

async fn json(world: &World, arguments: &[&str]) -> Value {
    serde_json::from_str(&world.succeeds("producer", arguments).await).unwrap()
}

/// Waits until the worker has logged the words.
async fn until_it_says(worker: &mut Child, words: &str) {
    let mut lines = BufReader::new(worker.stderr.take().unwrap()).lines();
    let waiting = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(words) {
                return;
            }
        }
        panic!("it never said {words:?}");
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.unwrap();
    // Whoever writes on must find a reader.
    tokio::spawn(async move { while lines.next_line().await.is_ok_and(|line| line.is_some()) {} });
}

#[tokio::test]
async fn a_paused_run_stands_still_until_it_is_resumed() {
    let world = enqueued_world().await;
    let conservation = Conservation::of(&world).await;
    let mut worker = world.start("worker", ["--drain"]);
    world.until(FINISHED, |finished| finished >= 200).await;
    let paused = json(&world, &["pause", "--json"]).await;
    assert_eq!((&paused["paused"], &paused["changed"]), (&true.into(), &true.into()));
    until_it_says(&mut worker, "the run is paused").await;
    world.until(RUNNING, |running| running == 0).await;
    let finished = world.number(FINISHED).await;
    assert!(finished < 2000, "it was paused too late to prove anything");
    let claimed_later = "SELECT count(*) FROM certferry.certificate_status, certferry.pause
                         WHERE started_at > paused_at + interval '1 second'";
    assert_eq!(world.number(claimed_later).await, 0);
    assert!(worker.try_wait().unwrap().is_none(), "a worker that drains waits");

    let status = json(&world, &["status", "--json"]).await;
    assert_eq!(status["paused"], true);
    assert!(status["pause"]["by"].as_str().unwrap().contains('@'), "{status}");
    assert_eq!(status["eta_seconds"], Value::Null);
    assert!(world.succeeds("producer", ["status"]).await.starts_with("PAUSED since "));
    let again = json(&world, &["pause", "--json"]).await;
    assert_eq!((&again["changed"], &again["pause"]), (&false.into(), &status["pause"]));
    // A worker that starts meanwhile stands still too.
    let mut late = world.start("worker", ["--drain"]);
    until_it_says(&mut late, "the run is paused").await;
    assert_eq!(world.number(FINISHED).await, finished);

    let resumed = json(&world, &["resume", "--json"]).await;
    assert_eq!((&resumed["paused"], &resumed["changed"]), (&false.into(), &true.into()));
    assert!(worker.wait().await.unwrap().success() && late.wait().await.unwrap().success());
    assert_eq!(world.number(OPEN_PAUSES).await, 0);
    assert_eq!(json(&world, &["resume", "--json"]).await["changed"], false);
    conservation.assert_holds(&world).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn too_many_failures_for_one_reason_pause_the_run() {
    let mut world = enqueued_world().await;
    world.set("breaker.window", "100");
    world.set("breaker.failure_rate", "0.5");
    world
        .execute("CREATE TABLE kept AS TABLE certferry.mapping; DELETE FROM certferry.mapping WHERE entity = 'user'")
        .await;
    let workers = [world.start("worker", ["--drain"]), world.start("worker", ["--drain"])];
    world.until(OPEN_PAUSES, |open| open == 1).await;
    world.until(RUNNING, |running| running == 0).await;
    let status = json(&world, &["status", "--json"]).await;
    let pause = &status["pause"];
    assert!(pause["by"].as_str().unwrap().starts_with("the circuit breaker of worker "), "{pause}");
    let reason = pause["reason"].as_str().unwrap();
    assert!(reason.contains("failed with missing_user_mapping") && reason.contains("producer resume"), "{reason}");
    assert!(status["queued"].as_i64().unwrap() > 1000, "it was paused too late: {status}");

    // What comes after a resume is judged anew.
    world.succeeds("producer", ["resume"]).await;
    world.until(PAUSES, |pauses| pauses == 2).await;
    world.execute("TRUNCATE certferry.mapping; INSERT INTO certferry.mapping TABLE kept; DROP TABLE kept").await;
    // All of them: of some, another issue came first.
    world.succeeds("producer", ["retry"]).await;
    world.succeeds("producer", ["resume"]).await;
    for worker in workers {
        succeeded(ended(worker).await);
    }
    assert_as_expected(&world).await;
}

/// The destination takes nothing, for a reason that passes.
async fn assert_that_refusals_pause_the_run(sqlstate: &str, code: &str) {
    let mut world = enqueued_world().await;
    world.set("breaker.consecutive", "2");
    world.set("worker.max_attempts", "50");
    world
        .execute(&format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{sqlstate}'; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON certificates FOR EACH ROW EXECUTE FUNCTION refuse()"
        ))
        .await;
    let worker = world.start("worker", ["--drain"]);
    world.until(OPEN_PAUSES, |open| open == 1).await;
    let reason = json(&world, &["status", "--json"]).await["pause"]["reason"].clone();
    assert!(reason.as_str().unwrap().contains(&format!("errors of infrastructure ({code})")), "{reason}");
    world.execute("DROP TRIGGER refuse ON certificates").await;
    world.succeeds("producer", ["resume"]).await;
    succeeded(ended(worker).await);
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn batches_that_are_refused_for_a_while_pause_the_run() {
    assert_that_refusals_pause_the_run("40001", "serialization").await;
}

#[tokio::test]
async fn a_server_that_works_for_nobody_pauses_the_run() {
    assert_that_refusals_pause_the_run("53100", "unavailable").await;
}

#[tokio::test]
async fn a_worker_that_fails_is_replaced_within_its_process() {
    let world = enqueued_world().await;
    let mut command = world.command("worker", ["--drain"]);
    command.env("FAILPOINTS", "claim_answered=10*off->1*panic(made up)->off");
    let output = ended(command.spawn().unwrap()).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    succeeded(output);
    assert_eq!(said.matches("another one takes its place").count(), 1, "{said}");
    let names = "SELECT count(DISTINCT worker) FROM certferry.certificate_status";
    assert_eq!(world.number(names).await, 2, "under a name of its own");
    assert_as_expected(&world).await;
    assert_eq!(attempts(&world).await, 1);
}

#[tokio::test]
async fn what_was_claimed_without_an_answer_is_given_back() {
    let world = enqueued_world().await;
    let mut command = world.command("worker", ["--drain"]);
    command.env("FAILPOINTS", "claim_answered=2*return->5*off->2*return->off");
    let output = ended(command.spawn().unwrap()).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains("a claim was never answered"));
    succeeded(output);
    assert_as_expected(&world).await;
    assert_eq!(attempts(&world).await, 1);
    assert_eq!(world.number("SELECT count(*) FROM certferry.late_result").await, 0);
}

/// The most attempts that any certificate took.
async fn attempts(world: &World) -> i64 {
    world.number("SELECT max(attempts)::bigint FROM certferry.certificate_status").await
}

/// Otherwise the job that the retry relies on could be deleted by the worker that looked first.
#[tokio::test]
async fn a_retry_waits_for_a_worker_that_has_found_the_certificate_final() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue", "--id", "8"]).await;
    world.drain(1).await;
    let mut late = world.connection().await;
    sqlx::raw_sql("BEGIN").execute(&mut late).await.unwrap();
    let open = certferry_store::lock_open(&mut late, &[certferry_certificate::OldId(8)]).await.unwrap();
    assert!(open.open.is_empty(), "it has failed");
    let retry = world.start("producer", ["retry", "--id", "8"]);
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE wait_event_type = 'Lock' AND datname = current_database()";
    world.until(waiting, |waiting| waiting == 1).await;
    sqlx::raw_sql("COMMIT").execute(&mut late).await.unwrap();
    succeeded(ended(retry).await);
    assert_eq!(world.number("SELECT count(*) FROM apalis.jobs").await, 1);
    world.drain(1).await;
}

/// The most that was finished within any two seconds, and over how many seconds everything was.
const FLOW: &str = "
    WITH finished AS (
        SELECT at, certificates FROM certferry.tally WHERE state IN ('migrated', 'failed') AND certificates > 0
    )
    SELECT max((
        SELECT sum(later.certificates) FROM finished AS later
        WHERE later.at BETWEEN finished.at AND finished.at + interval '2 seconds'
    ))::bigint
    FROM finished";

#[tokio::test]
async fn a_limit_holds_over_all_workers_also_where_one_is_killed() {
    let world = enqueued_world().await;
    let conservation = Conservation::of(&world).await;
    let limited = json(&world, &["limit", "--rate", "200", "--json"]).await;
    assert_eq!(
        (&limited["rate"], &json(&world, &["status", "--json"]).await["limit"]["per_second"]),
        (&200.0.into(), &200.0.into())
    );
    let mut workers: Vec<Child> = (0..3).map(|_| world.start("worker", ["--drain"])).collect();
    world.until(FINISHED, |finished| finished >= 300).await;
    signal(&workers[0], Signal::KILL);
    workers.remove(0).wait().await.unwrap();
    world.until(FINISHED, |finished| finished >= 1000).await;
    // What is saved up in half a second, and what two seconds bring; each worker may have as much in hand as it took before.
    let most = world.number(FLOW).await;
    assert!(most <= 200 * 2 + 100 + 3 * 40, "{most} within two seconds");
    let seconds =
        "SELECT extract(epoch FROM max(finished_at) - min(started_at))::bigint FROM certferry.certificate_status";
    let took = world.number(seconds).await;
    assert!(took >= 4, "1,000 at 200 a second took {took} s");

    assert_eq!(json(&world, &["limit", "--off", "--json"]).await["rate"], Value::Null);
    assert_eq!(json(&world, &["limit", "--json"]).await["rate"], Value::Null);
    for mut worker in workers {
        assert!(worker.wait().await.unwrap().success());
    }
    assert_as_expected(&world).await;
    conservation.assert_holds(&world).await;
}

const CERTIFICATES: &str = "SELECT count(*) FROM certificates";

/// Whoever is first decides, and nothing is written of a certificate that is set aside.
#[tokio::test]
async fn certificates_are_set_aside_beside_workers_that_migrate_them() {
    let world = enqueued_world().await;
    let before = world.number(CERTIFICATES).await;
    let workers: Vec<Child> = (0..2).map(|_| world.start("worker", ["--drain"])).collect();
    world.until(FINISHED, |finished| finished >= 100).await;
    let skipped = json(&world, &["skip", "--state", "queued", "--reason", "enough", "--json"]).await;
    let skipped = skipped["skipped"].as_i64().unwrap();
    for mut worker in workers {
        assert!(worker.wait().await.unwrap().success());
    }
    assert_eq!(
        world.number("SELECT count(*) FROM certferry.certificate_status WHERE state = 'skipped'").await,
        skipped
    );
    assert!(skipped > 0, "it was too late to prove anything");
    let migrated = world.number("SELECT count(*) FROM certferry.certificate_status WHERE state = 'migrated'").await;
    assert_eq!(world.number(CERTIFICATES).await, before + migrated, "one that nobody owns was written");
    assert_eq!(world.number("SELECT count(*) FROM apalis.jobs").await, 0);
    let runs = json(&world, &["runs", "--json"]).await;
    assert_eq!((&runs[0]["adds_up"], &runs[0]["skipped"]), (&true.into(), &skipped.into()));
    assert_eq!(world.number("SELECT count(*) FROM certferry.late_result").await, 0);

    world.succeeds("producer", ["retry", "--skipped"]).await;
    world.drain(2).await;
    assert_as_expected(&world).await;
    let runs = json(&world, &["runs", "--json"]).await;
    assert!(runs.as_array().unwrap().iter().all(|run| run["adds_up"] == true), "{runs}");
}

#[tokio::test]
async fn a_limited_worker_that_drains_ends_when_nothing_is_left() {
    let world = World::with_cases().await;
    json(&world, &["limit", "--rate", "0.001", "--json"]).await;
    let mut worker = world.start("worker", ["--drain"]);
    let ended = tokio::time::timeout(Duration::from_secs(30), worker.wait()).await;
    assert!(ended.expect("it waits for a token that nothing needs").unwrap().success());
}
