//! Legacy values of a mebibyte: migrated whole, a few at a time.

use certferry_testkit::{cases, mariadb};
use rustix::process::Signal;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, MySqlConnection};

use crate::world::{World, ended, signal, succeeded};

const QUEUED: &str = "SELECT count(*) FROM certferry.certificate_status WHERE state = 'queued'";

/// How many certificates have such a remark: together far more than the worker may take.
const LARGE: i64 = 300;

/// The most that a process has had in memory so far, in mebibytes.
fn peak_mebibytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

async fn assert_that_large_remarks_are_migrated_in_little_memory(mut world: World) {
    world.set("worker.max_memory", "32MiB");
    world.succeeds("producer", ["enqueue"]).await;
    let worker = world.start("worker", [] as [&str; 0]);
    world.until(QUEUED, |queued| queued == 0).await;
    let peak = peak_mebibytes(worker.id().unwrap());
    signal(&worker, Signal::TERM);
    succeeded(ended(worker).await);
    assert!(peak < 32 + 64, "{peak} MiB");
    let migrated = format!(
        "SELECT count(*) FROM certferry.certificate_status WHERE state = 'migrated' AND certificate_id <= {LARGE}"
    );
    let whole = "SELECT count(*) FROM certificates WHERE octet_length(remarks) = 1048576";
    let migrated = world.number(&migrated).await;
    assert!(migrated > 200, "{migrated}");
    assert_eq!(world.number(whole).await, migrated);
    let too_long = "SELECT count(*) FROM certferry.certificate_status WHERE error_code = 'value_too_long'
                    AND error_message LIKE '%max_memory%'";
    assert_eq!(world.number(too_long).await, 0);
}

#[tokio::test]
async fn large_remarks_of_postgresql_take_little_memory() {
    let world = World::with_cases().await;
    world
        .execute_at_source(&format!(
            "UPDATE certificates SET remarks = repeat(md5(id::text), 32768) WHERE id <= {LARGE}"
        ))
        .await;
    assert_that_large_remarks_are_migrated_in_little_memory(world).await;
}

#[tokio::test]
async fn large_remarks_of_mariadb_take_little_memory() {
    let source = mariadb::Database::fresh().await.unwrap();
    cases::load_source(&source.url()).await.unwrap();
    let mut connection = MySqlConnection::connect(&source.url()).await.unwrap();
    let fill = format!(
        "SET sql_mode = ''; ALTER TABLE certificates MODIFY remarks LONGTEXT CHARACTER SET utf8mb4;
         UPDATE certificates SET remarks = REPEAT(MD5(id), 32768) WHERE id <= {LARGE}"
    );
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut connection).await.unwrap();
    let mut world = World::with_cases().await;
    world.set("source.url", &source.url());
    assert_that_large_remarks_are_migrated_in_little_memory(world).await;
}

#[tokio::test]
async fn large_remarks_of_sqlite_take_little_memory() {
    let mut world = World::with_cases().await;
    let database = world.folder.path().join("legacy.db");
    let url = format!("sqlite:{}", database.display());
    cases::load_source(&url).await.unwrap();
    let mut connection = SqliteConnectOptions::new().filename(&database).connect().await.unwrap();
    let filling = format!("UPDATE certificates SET remarks = hex(zeroblob(524288)) WHERE id <= {LARGE}");
    sqlx::raw_sql(AssertSqlSafe(filling)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    world.set("source.url", &url);
    assert_that_large_remarks_are_migrated_in_little_memory(world).await;
}

#[tokio::test]
async fn a_row_too_large_for_all_memory_fails_alone_and_says_what_to_set() {
    let mut world = World::with_cases().await;
    world.execute_at_source("UPDATE certificates SET remarks = repeat('x', 3000000) WHERE id = 5").await;
    world.set("worker.max_memory", "16MiB");
    world.succeeds("producer", ["enqueue", "--id", "5", "--id", "6"]).await;
    world.drain(1).await;
    let failed = "SELECT count(*) FROM certferry.certificate_status WHERE certificate_id = 5
                  AND error_code = 'value_too_long' AND error_message LIKE '%set worker.max_memory to 23MiB or more%'";
    assert_eq!(world.number(failed).await, 1);
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, 1);
    world.set("worker.max_memory", "24MiB");
    world.succeeds("producer", ["retry"]).await;
    world.drain(1).await;
    assert_eq!(world.number("SELECT count(*) FROM certificates WHERE length(remarks) = 3000000").await, 1);
}
