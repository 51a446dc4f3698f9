//! What changes in the destination while a worker runs is followed by its next batch.

use sqlx::Row;
use tokio::process::Child;

use crate::world::World;

/// A running worker, and certificates 1 and 3 of one user who is mapped; only 1 is migrated yet.
async fn with_one_migrated() -> (World, Child) {
    let world = World::with_cases().await;
    let user = world
        .number(
            "SELECT old_id FROM certferry.mapping JOIN users ON users.id = new_id WHERE entity = 'user'
             ORDER BY old_id LIMIT 1",
        )
        .await;
    world.execute_at_source(&format!("UPDATE certificates SET user_id = {user} WHERE id IN (1, 3)")).await;
    let worker = world.start("worker", [""; 0]);
    settled(&world, 1).await;
    assert_eq!(state(&world, 1).await, ("migrated".to_owned(), None));
    (world, worker)
}

/// Enqueues a certificate and waits for its end.
async fn settled(world: &World, id: i64) {
    world.succeeds("producer", ["enqueue", "--id", &id.to_string()]).await;
    let open =
        format!("SELECT count(*) FROM certferry.certificate_status WHERE certificate_id = {id} AND state = 'queued'");
    world.until(&open, |open| open == 0).await;
}

async fn state(world: &World, id: i64) -> (String, Option<String>) {
    let sql = format!("SELECT state, error_code FROM certferry.certificate_status WHERE certificate_id = {id}");
    let row = &world.rows(&sql).await[0];
    (row.get(0), row.get(1))
}

const USER_OF_THE_LAST: &str = "SELECT user_id FROM certificates ORDER BY id DESC LIMIT 1";

#[tokio::test]
async fn a_mapping_that_is_corrected_is_followed_by_the_next_batch() {
    let (world, _worker) = with_one_migrated().await;
    let wrong = world.number(USER_OF_THE_LAST).await;
    let right = world.number(&format!("SELECT min(id) FROM users WHERE id <> {wrong}")).await;
    world
        .execute(&format!("UPDATE certferry.mapping SET new_id = {right} WHERE entity = 'user' AND new_id = {wrong}"))
        .await;
    settled(&world, 3).await;
    assert_eq!(state(&world, 3).await, ("migrated".to_owned(), None));
    assert_eq!(world.number(USER_OF_THE_LAST).await, right);
}

#[tokio::test]
async fn a_row_that_is_deleted_where_no_foreign_key_holds_it_is_dangling() {
    let (world, _worker) = with_one_migrated().await;
    let user = world.number(USER_OF_THE_LAST).await;
    world
        .execute(&format!(
            "ALTER TABLE certificates DROP CONSTRAINT certificates_user_id_fkey;
             ALTER TABLE technicians DROP CONSTRAINT technicians_user_id_fkey;
             DELETE FROM users WHERE id = {user}"
        ))
        .await;
    settled(&world, 3).await;
    assert_eq!(state(&world, 3).await, ("failed".to_owned(), Some("dangling_mapping".to_owned())));
}

#[tokio::test]
async fn a_column_that_is_widened_takes_what_was_too_long() {
    let world = World::with_cases().await;
    world.execute_at_source("UPDATE certificates SET remarks = 'far too long' WHERE id IN (1, 3)").await;
    world.execute_at_source("UPDATE certificates SET vehicle_type = 'TOYOTA HILUX' WHERE id IN (1, 3)").await;
    world
        .execute(
            "ALTER TABLE certificates ALTER COLUMN remarks TYPE varchar(3);
             ALTER TABLE vehicles ALTER COLUMN brand TYPE varchar(3)",
        )
        .await;
    let _worker = world.start("worker", [""; 0]);
    settled(&world, 1).await;
    assert_eq!(state(&world, 1).await, ("failed".to_owned(), Some("value_too_long".to_owned())));
    world
        .execute(
            "ALTER TABLE certificates ALTER COLUMN remarks TYPE text;
             ALTER TABLE vehicles ALTER COLUMN brand TYPE varchar(64)",
        )
        .await;
    settled(&world, 3).await;
    assert_eq!(state(&world, 3).await, ("migrated".to_owned(), None));
    assert_eq!(world.number("SELECT count(*) FROM vehicles WHERE brand = 'TOYOTA'").await, 1);
}

#[tokio::test]
async fn a_unique_index_that_is_dropped_is_not_relied_on_any_more() {
    let world = World::with_cases().await;
    let _worker = world.start("worker", [""; 0]);
    settled(&world, 1).await;
    world.execute("ALTER TABLE certificates DROP CONSTRAINT certificates_certificate_number_key").await;
    // Somebody else has the lock of all numbers: the worker waits for it.
    let mut rival = world.connection().await;
    let lock = "BEGIN; SELECT pg_advisory_xact_lock(x'636572746e756d62'::bigint)";
    sqlx::raw_sql(lock).execute(&mut rival).await.unwrap();
    world.succeeds("producer", ["enqueue", "--id", "3"]).await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    world.until(waiting, |waiting| waiting > 0).await;
    sqlx::raw_sql("COMMIT").execute(&mut rival).await.unwrap();
    let open = "SELECT count(*) FROM certferry.certificate_status WHERE state = 'queued'";
    world.until(open, |open| open == 0).await;
    assert_eq!(state(&world, 3).await, ("migrated".to_owned(), None));
}

#[tokio::test]
async fn a_licence_that_two_customers_come_to_have_between_planning_and_writing_is_ambiguous() {
    let world = World::with_cases().await;
    world.execute("ALTER TABLE customers DROP CONSTRAINT customers_trade_license_key").await;
    // Somebody else has the lock of all licences: the worker has planned, and waits for it.
    let mut rival = world.connection().await;
    let meddling = "BEGIN; SELECT pg_advisory_xact_lock(x'636572746c696365'::bigint);
                    INSERT INTO customers (name, trade_license) VALUES ('one', 'CN-100017'), ('two', 'CN-100017')";
    sqlx::raw_sql(meddling).execute(&mut rival).await.unwrap();
    // 7 creates the customer of this licence, 9 another one.
    world.succeeds("producer", ["enqueue", "--id", "7", "--id", "9"]).await;
    let _worker = world.start("worker", [""; 0]);
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    world.until(waiting, |waiting| waiting > 0).await;
    sqlx::raw_sql("COMMIT").execute(&mut rival).await.unwrap();
    let open = "SELECT count(*) FROM certferry.certificate_status WHERE state = 'queued'";
    world.until(open, |open| open == 0).await;
    assert_eq!(state(&world, 7).await, ("failed".to_owned(), Some("ambiguous_customer".to_owned())));
    assert_eq!(state(&world, 9).await, ("migrated".to_owned(), None));
}
