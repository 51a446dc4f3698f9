//! Locks that others hold in the destination, and databases that answer but do not let batches work: waited for, told, and
//! charged to nobody.

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::verdicts::assert_as_expected;
use crate::world::{World, ended, succeeded};

const QUEUED: &str = "SELECT count(*) FROM certferry.certificate_status WHERE state = 'queued'";
const MOST_ATTEMPTS: &str = "SELECT max(attempts)::bigint FROM certferry.certificate_status";
const PAUSES: &str = "SELECT count(*) FROM certferry.pause";

async fn enqueued_world() -> World {
    let mut world = World::with_cases().await;
    world.set("worker.batch_size", "200");
    world.succeeds("producer", ["enqueue"]).await;
    world
}

/// A session of somebody else that has done something and does not end.
async fn foreigner(world: &World, statement: &str) -> PgConnection {
    let mut connection = world.connection().await;
    let begin = format!("SET application_name = 'somebody else'; BEGIN; {statement}");
    sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut connection).await.unwrap();
    connection
}

async fn ends(mut foreigner: PgConnection) {
    sqlx::raw_sql("ROLLBACK").execute(&mut foreigner).await.unwrap();
}

async fn waiting_because(world: &World) -> Option<String> {
    let status: Value = serde_json::from_str(&world.succeeds("producer", ["status", "--json"]).await).unwrap();
    status["waiting_because"].as_str().map(str::to_owned)
}

async fn until_it_is_told(world: &World, words: &[&str]) {
    let says = |text: &str| words.iter().all(|word| text.contains(word));
    let like: Vec<String> = words.iter().map(|word| format!("because LIKE '%{word}%'")).collect();
    world.until(&format!("SELECT count(*) FROM certferry.waiting WHERE {}", like.join(" AND ")), |told| told > 0).await;
    let reason = waiting_because(world).await.unwrap_or_default();
    assert!(says(&reason), "{reason}");
    assert!(says(&world.succeeds("producer", ["status"]).await));
}

async fn assert_nobody_was_charged(world: &World) {
    assert_as_expected(world).await;
    assert_eq!(world.number(MOST_ATTEMPTS).await, 1);
    assert_eq!(world.number(PAUSES).await, 0);
    assert_eq!(waiting_because(world).await, None);
}

/// All but some certificates are finished while somebody holds the lock, and those too when it is gone.
async fn assert_that_others_go_on(statement: &str, held_up: impl Fn(i64) -> bool) {
    let world = enqueued_world().await;
    let lock = foreigner(&world, statement).await;
    let worker = world.start("worker", ["--drain"]);
    world.until(QUEUED, held_up).await;
    until_it_is_told(&world, &["somebody else", "held by session"]).await;
    ends(lock).await;
    succeeded(ended(worker).await);
    assert_nobody_was_charged(&world).await;
}

#[tokio::test]
async fn a_locked_user_holds_up_no_certificate_of_others() {
    assert_that_others_go_on(
        "SELECT FROM users WHERE id = (SELECT min(new_id) FROM certferry.mapping WHERE entity = 'user') FOR UPDATE",
        |queued| queued < 700,
    )
    .await;
}

#[tokio::test]
async fn a_locked_status_row_holds_up_that_certificate_alone() {
    let lock = "SELECT FROM certferry.certificate_status WHERE certificate_id = 8 FOR UPDATE";
    assert_that_others_go_on(lock, |queued| queued == 1).await;
}

#[tokio::test]
async fn locked_devices_hold_up_no_certificate_of_others() {
    assert_that_others_go_on("SELECT FROM devices WHERE id % 50 = 0 FOR UPDATE", |queued| queued < 200).await;
}

/// Workers that were at work wait for a table that somebody locks whole: they charge nobody, and say who holds it.
async fn assert_that_a_locked_table_is_waited_for(table: &str) {
    let mut world = World::with_cases().await;
    world.set("worker.batch_size", "50");
    // Whoever is charged fails, where nobody can overlook it.
    world.set("worker.max_attempts", "1");
    world.succeeds("producer", ["enqueue"]).await;
    let worker = world.start("worker", ["--drain"]);
    world.until(QUEUED, |queued| queued < 1900).await;
    let lock = foreigner(&world, &format!("LOCK TABLE {table}")).await;
    until_it_is_told(&world, &[table, "somebody else", "held by session"]).await;
    let told_for_long = "SELECT count(*) FROM certferry.waiting WHERE seen_at > since + interval '12 seconds'";
    world.until(told_for_long, |told| told > 0).await;
    until_it_is_told(&world, &[table, "somebody else", "held by session"]).await;
    assert!(world.number(QUEUED).await > 0);
    ends(lock).await;
    let output = ended(worker).await;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    succeeded(output);
    assert!(!log.contains("a database is away"), "{log}");
    assert!(log.lines().any(|line| line.contains("somebody else") && line.contains("nothing is lost")), "{log}");
    assert_nobody_was_charged(&world).await;
}

#[tokio::test]
async fn locked_certificates_are_waited_for() {
    assert_that_a_locked_table_is_waited_for("certificates").await;
}

#[tokio::test]
async fn locked_vehicles_are_waited_for() {
    assert_that_a_locked_table_is_waited_for("vehicles").await;
}

#[tokio::test]
async fn locked_devices_are_waited_for() {
    assert_that_a_locked_table_is_waited_for("devices").await;
}

#[tokio::test]
async fn locked_customers_are_waited_for() {
    assert_that_a_locked_table_is_waited_for("customers").await;
}

/// Batches that are written certificate by certificate are cancelled in the midst of that.
#[tokio::test]
async fn a_table_that_is_locked_while_batches_are_done_carefully_is_waited_for() {
    let mut world = World::with_cases().await;
    world.set("worker.batch_size", "50");
    world.set("worker.max_attempts", "1");
    world
        .execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN RAISE EXCEPTION USING ERRCODE = ''check_violation'', MESSAGE = ''no vehicles today''; END';
             CREATE TRIGGER refuse BEFORE INSERT ON vehicles FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    world.succeeds("producer", ["enqueue"]).await;
    let worker = world.start("worker", ["--drain"]);
    world.until(QUEUED, |queued| queued < 1700).await;
    let lock = foreigner(&world, "LOCK TABLE vehicles").await;
    until_it_is_told(&world, &["vehicles", "somebody else"]).await;
    let is_told_on = "SELECT count(*) FROM certferry.waiting WHERE seen_at > since + interval '5 seconds'";
    world.until(is_told_on, |told| told > 0).await;
    ends(lock).await;
    succeeded(ended(worker).await);
    let timed_out = "SELECT count(*) FROM certferry.certificate_status WHERE error_code = 'timeout'";
    assert_eq!(world.number(timed_out).await, 0);
    assert_eq!(world.number(MOST_ATTEMPTS).await, 1);
}

#[tokio::test]
async fn locked_jobs_are_waited_for() {
    let mut world = World::with_cases().await;
    world.set("worker.batch_size", "50");
    world.set("worker.max_attempts", "1");
    world.succeeds("producer", ["enqueue"]).await;
    let worker = world.start("worker", ["--drain"]);
    world.until(QUEUED, |queued| queued < 1900).await;
    let lock = foreigner(&world, "LOCK TABLE apalis.jobs").await;
    let is_told_on = "SELECT count(*) FROM certferry.waiting
                      WHERE seen_at > since + interval '5 seconds' AND because LIKE '%apalis.jobs%somebody else%'";
    world.until(is_told_on, |told| told > 0).await;
    ends(lock).await;
    succeeded(ended(worker).await);
    assert_nobody_was_charged(&world).await;
}

#[tokio::test]
async fn a_table_that_was_locked_before_is_waited_for() {
    let world = enqueued_world().await;
    let lock = foreigner(&world, "LOCK TABLE certificates").await;
    let worker = world.start("worker", ["--drain"]);
    until_it_is_told(&world, &["certificates", "somebody else"]).await;
    assert_eq!(world.number(QUEUED).await, 2000);
    ends(lock).await;
    succeeded(ended(worker).await);
    assert_nobody_was_charged(&world).await;
}

/// A command that waits for a table that somebody locks whole ends soon, and names who holds it.
async fn assert_that_the_holder_is_named(command: &str, table: &str) {
    let world = enqueued_world().await;
    let lock = foreigner(&world, &format!("LOCK TABLE {table}")).await;
    let begun = std::time::Instant::now();
    let output = world.runs("producer", [command]).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?}", begun.elapsed());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in [table, "held by session", "application somebody else", "since 20", "hint: "] {
        assert!(said.contains(words), "{words} in {said}");
    }
    ends(lock).await;
    world.succeeds("producer", [command]).await;
}

#[tokio::test]
async fn status_names_who_holds_a_table_of_the_queue() {
    assert_that_the_holder_is_named("status", "apalis.jobs").await;
}

#[tokio::test]
async fn status_names_who_holds_the_status_table() {
    assert_that_the_holder_is_named("status", "certferry.certificate_status").await;
}

#[tokio::test]
async fn pause_names_who_holds_its_table() {
    assert_that_the_holder_is_named("pause", "certferry.pause").await;
}

#[tokio::test]
async fn resume_names_who_holds_its_table() {
    assert_that_the_holder_is_named("resume", "certferry.pause").await;
}

#[tokio::test]
async fn a_status_that_is_watched_names_who_holds_a_table_and_goes_on() {
    let world = enqueued_world().await;
    let lock = foreigner(&world, "LOCK TABLE apalis.jobs").await;
    let mut watching = world.start("producer", ["status", "--watch", "--json"]);
    let mut said = BufReader::new(watching.stderr.take().unwrap()).lines();
    let named = loop {
        let line = said.next_line().await.unwrap().expect("it goes on");
        if line.contains("apalis.jobs") {
            break line;
        }
    };
    assert!(named.contains("held by session") && named.contains("looking again"), "{named}");
    ends(lock).await;
    let mut seen = BufReader::new(watching.stdout.take().unwrap()).lines();
    let document: Value = serde_json::from_str(&seen.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!(document["queued"], 2000);
    watching.kill().await.unwrap();
}

#[tokio::test]
async fn who_has_waited_for_a_lock_for_too_long_fails_with_timeout() {
    let mut world = World::with_cases().await;
    world.set("worker.lock_patience", "1s");
    world.set("worker.max_attempts", "2");
    world.set("worker.backoff_base", "10ms");
    world.succeeds("producer", ["enqueue", "--id", "1", "--id", "5"]).await;
    let user = "SELECT FROM users WHERE id = (SELECT new_id FROM certferry.mapping WHERE entity = 'user' AND old_id = ";
    let named = sqlx::query("SELECT user_id::text FROM certificates WHERE id = 1");
    let mut source = <PgConnection as sqlx::Connection>::connect(&world.source.url()).await.unwrap();
    let old_id: String = named.fetch_one(&mut source).await.unwrap().get(0);
    let lock = foreigner(&world, &format!("{user}{}) FOR UPDATE", old_id.trim())).await;
    world.drain(1).await;
    let failed =
        "SELECT count(*) FROM certferry.certificate_status WHERE certificate_id = 1 AND error_code = 'timeout'";
    assert_eq!(world.number(failed).await, 1);
    ends(lock).await;
    world.succeeds("producer", ["retry"]).await;
    world.drain(1).await;
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, 2);
}

/// Nothing is charged while a database does not let batches work, and the reason is told.
async fn assert_that_it_is_waited_for(world: &World, words: &[&str], mend: impl AsyncFnOnce(&World)) {
    let worker = world.start("worker", ["--drain"]);
    until_it_is_told(world, words).await;
    mend(world).await;
    succeeded(ended(worker).await);
    assert_nobody_was_charged(world).await;
}

/// A worker that has begun, and has claimed nothing yet.
async fn paused_worker(world: &World) -> Child {
    world.succeeds("producer", ["pause"]).await;
    let worker = world.start("worker", ["--drain"]);
    world.until("SELECT count(*) FROM apalis.workers", |workers| workers > 0).await;
    worker
}

/// A table of the destination that is not what it was is waited for, from the first batch of a worker that has begun before.
async fn assert_that_a_table_is_waited_for(take_away: &str, bring_back: &str) {
    let world = enqueued_world().await;
    let worker = paused_worker(&world).await;
    world.execute(take_away).await;
    world.succeeds("producer", ["resume"]).await;
    until_it_is_told(&world, &["vehicles"]).await;
    assert_eq!(world.number(QUEUED).await, 2000);
    world.execute(bring_back).await;
    let output = ended(worker).await;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    succeeded(output);
    assert!(log.lines().any(|line| line.contains("waiting for it") && line.contains("vehicles")), "{log}");
    assert_as_expected(&world).await;
    assert_eq!(world.number(MOST_ATTEMPTS).await, 1);
    let not_by_hand = format!("{PAUSES} WHERE resumed_at IS NULL OR paused_by LIKE '%breaker%'");
    assert_eq!(world.number(&not_by_hand).await, 0);
    assert_eq!(waiting_because(&world).await, None);
}

#[tokio::test]
async fn a_table_of_the_destination_that_is_gone_is_waited_for() {
    assert_that_a_table_is_waited_for(
        "ALTER TABLE vehicles RENAME TO elsewhere",
        "ALTER TABLE elsewhere RENAME TO vehicles",
    )
    .await;
}

#[tokio::test]
async fn a_table_of_the_destination_that_another_schema_has_is_waited_for() {
    assert_that_a_table_is_waited_for(
        "CREATE SCHEMA other; ALTER TABLE vehicles SET SCHEMA other",
        "ALTER TABLE other.vehicles SET SCHEMA public",
    )
    .await;
}

#[tokio::test]
async fn a_column_of_the_source_that_is_gone_is_waited_for() {
    let world = enqueued_world().await;
    world.execute_at_source("ALTER TABLE certificates RENAME remarks TO notes").await;
    assert_that_it_is_waited_for(&world, &["remarks", "source"], async |world: &World| {
        world.execute_at_source("ALTER TABLE certificates RENAME notes TO remarks").await;
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_read_only_is_waited_for() {
    let world = enqueued_world().await;
    let mut steward = world.connection().await;
    let name: String = sqlx::query_scalar("SELECT current_database()::text").fetch_one(&mut steward).await.unwrap();
    let set = |to: &str| AssertSqlSafe(format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = {to}"));
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let worker = world.start("worker", ["--drain"]);
    world.until(QUEUED, |queued| queued < 2000).await;
    sqlx::raw_sql(set("on")).execute(&mut steward).await.unwrap();
    sqlx::raw_sql(others).execute(&mut steward).await.unwrap();
    let status: Value = serde_json::from_str(&world.succeeds("producer", ["status", "--json"]).await).unwrap();
    if status["queued"].as_i64() > Some(0) {
        assert!(status["waiting_because"].as_str().unwrap().contains("read-only"), "{status}");
    }
    sqlx::raw_sql(set("off")).execute(&mut steward).await.unwrap();
    sqlx::raw_sql(others).execute(&mut steward).await.unwrap();
    succeeded(ended(worker).await);
    assert_nobody_was_charged(&world).await;
}

#[tokio::test]
async fn a_locked_user_whom_a_tenth_needs_costs_few_rollbacks() {
    let mut world = World::with_cases().await;
    world.set("worker.batch_size", "500");
    world
        .execute_at_source(
            "UPDATE certificates SET user_id = CASE WHEN certificates.id % 10 = 1 THEN locked.user_id ELSE free.user_id END
             FROM certificates AS locked, certificates AS free
             WHERE locked.id = 1 AND free.id = 5",
        )
        .await;
    world.succeeds("producer", ["enqueue"]).await;
    let mut source = <PgConnection as sqlx::Connection>::connect(&world.source.url()).await.unwrap();
    let named = sqlx::query("SELECT btrim(user_id::text) FROM certificates WHERE id = 1");
    let old_id: String = named.fetch_one(&mut source).await.unwrap().get(0);
    let user = "SELECT FROM users WHERE id = (SELECT new_id FROM certferry.mapping WHERE entity = 'user' AND old_id = ";
    let lock = foreigner(&world, &format!("{user}{old_id}) FOR UPDATE")).await;
    let rollbacks = "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()";
    let before = world.number(rollbacks).await;
    let worker = world.start("worker", ["--drain"]);
    // A tenth, and those whose technician belongs to that user and is to be created.
    world.until(QUEUED, |queued| queued <= 700).await;
    let rolled_back = world.number(rollbacks).await - before;
    assert!(rolled_back < 100, "{rolled_back}");
    assert_eq!(world.number(PAUSES).await, 0);
    ends(lock).await;
    succeeded(ended(worker).await);
    assert_eq!(world.number(MOST_ATTEMPTS).await, 1);
    assert_eq!(world.number(QUEUED).await, 0);
}
