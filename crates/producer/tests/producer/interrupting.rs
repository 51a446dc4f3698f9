//! Ctrl-C.

use std::io::{BufRead, BufReader};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection};

use crate::world::{Ended, World};

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).expect("it runs");
}

/// Waits until some session of the database waits for a lock.
async fn until_blocked(connection: &mut PgConnection) {
    let blocked =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(blocked).fetch_one(&mut *connection).await.expect("sessions") == 0 {
        tokio::task::yield_now().await;
    }
}

async fn locked(world: &World) -> (PgConnection, PgConnection) {
    let mut locker = PgConnection::connect(&world.database).await.expect("a connection");
    let lock = "BEGIN; LOCK TABLE certferry.certificate_status IN EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut locker).await.expect("a lock");
    (locker, PgConnection::connect(&world.database).await.expect("a connection"))
}

#[tokio::test]
async fn the_pages_in_hand_are_finished_and_the_way_it_came_is_said() {
    let world = World::with_certificates(9500).await;
    let (mut locker, mut observer) = locked(&world).await;
    let mut child = world.start("enqueue");
    until_blocked(&mut observer).await;
    interrupt(&child);
    let log = until_stopping(&mut child);
    sqlx::raw_sql("ROLLBACK").execute(&mut locker).await.expect("the lock is released");
    let log: Vec<_> = log.collect();
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert!(log.join("\n").contains("error: interrupted before the end\nhint: run it again"), "{log:?}");
    let (rows, jobs) = world.rows_and_jobs().await;
    // Whole pages of 1000, and no more than are ever in hand at once.
    assert!((1000..=4000).contains(&rows) && rows % 1000 == 0 && jobs == rows, "{rows} rows and {jobs} jobs");
    let said = format!("selected {rows}, enqueued {rows}, already known 0");
    assert_eq!((ended.code, ended.stdout.trim_end()), (Some(1), said.as_str()));
    let others = 9500 - rows;
    assert_eq!(world.run("enqueue").good(), format!("selected 9500, enqueued {others}, already known {rows}"));
}

/// Waits until the process has said that it will stop.
fn until_stopping(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let log = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut lines = log.lines().map(|line| line.expect("text"));
    assert!(lines.any(|line| line.contains("stopping when what is in hand is done")), "it ended without a word");
    lines
}

#[tokio::test]
async fn a_second_signal_drops_the_page() {
    let world = World::with_certificates(2500).await;
    let (mut locker, mut observer) = locked(&world).await;
    let mut child = world.start("enqueue");
    until_blocked(&mut observer).await;
    interrupt(&child);
    let log = until_stopping(&mut child);
    interrupt(&child);
    assert!(log.collect::<Vec<_>>().join("\n").contains("error: interrupted before the end"));
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.code, ended.stdout.trim_end()), (Some(1), "selected 0, enqueued 0, already known 0"));
    sqlx::raw_sql("ROLLBACK").execute(&mut locker).await.expect("the lock is released");
    assert_eq!(world.rows_and_jobs().await, (0, 0));
}

#[tokio::test]
async fn watching_ends_well() {
    let world = World::with_certificates(3).await;
    world.run("enqueue").good();
    let mut child = world.start("status --watch");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    for _ in 0..2 {
        let line = lines.next().expect("a line").expect("text");
        assert_eq!(line, "0 migrated, 0 failed, 3 queued of 3; waiting: no worker is alive; start one with `worker`");
    }
    interrupt(&child);
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
}

#[tokio::test]
async fn watching_gives_one_document_a_line() {
    let world = World::ready().await;
    let mut child = world.start("status --watch --json");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    for _ in 0..2 {
        let line = lines.next().expect("a line").expect("text");
        let document: serde_json::Value = serde_json::from_str(&line).expect("a document");
        assert_eq!(document["total"], 0);
    }
    interrupt(&child);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}
