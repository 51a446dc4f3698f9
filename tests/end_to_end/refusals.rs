//! What the destination refuses: numbers that are taken, vehicles, neighbours.

use sqlx::Row;

use crate::world::{World, ended, succeeded};

async fn outcomes(world: &World, ids: &str) -> Vec<(i64, String, Option<String>, Option<String>)> {
    world
        .rows(&format!(
            "SELECT certificate_id, state, error_code, issues #>> '{{0,field}}' FROM certferry.certificate_status
             WHERE certificate_id IN ({ids}) ORDER BY certificate_id"
        ))
        .await
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect()
}

fn taken(id: i64) -> (i64, String, Option<String>, Option<String>) {
    (id, "failed".into(), Some("unique_violation".into()), Some("certificate_number".into()))
}

fn migrated(id: i64) -> (i64, String, Option<String>, Option<String>) {
    (id, "migrated".into(), None, None)
}

#[tokio::test]
async fn of_certificates_with_one_number_one_is_migrated_and_the_others_leave_nothing() {
    let world = World::with_cases().await;
    // 2 creates a customer and technicians: as a duplicate it must not.
    world.execute_at_source("UPDATE certificates SET certificate_number = 'TWICE' WHERE id IN (1, 2, 3)").await;
    world.succeeds("producer", ["enqueue", "--id", "1", "--id", "2", "--id", "3"]).await;
    world.drain(1).await;
    assert_eq!(outcomes(&world, "1, 2, 3").await, [migrated(1), taken(2), taken(3)]);
    assert_eq!(
        world.number("SELECT count(*) FROM certferry.mapping WHERE entity = 'customer' AND old_id = 1031").await,
        0
    );
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, 1);

    // Taken in the destination already, not in the batch.
    world.execute_at_source("UPDATE certificates SET certificate_number = 'TWICE' WHERE id = 5").await;
    world.succeeds("producer", ["enqueue", "--id", "5", "--id", "6"]).await;
    world.drain(1).await;
    assert_eq!(outcomes(&world, "5, 6").await, [taken(5), migrated(6)]);
}

#[tokio::test]
async fn neighbours_that_are_refused_fail_alone_each_with_its_own_code() {
    let world = World::with_cases().await;
    world
        .execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF NEW.certificate_number = 'SLC/2016/070000000' THEN RAISE EXCEPTION 'no' USING ERRCODE = '23514'; END IF;
                 IF NEW.certificate_number = 'SLC/2019/070000001' THEN RAISE EXCEPTION 'no' USING ERRCODE = '23503'; END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON certificates FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    let codes: Vec<_> = outcomes(&world, "1, 2, 3").await.into_iter().map(|(id, _, code, _)| (id, code)).collect();
    assert_eq!(codes, [(1, Some("check_violation".into())), (2, Some("foreign_key_violation".into())), (3, None)]);
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, 1629);
}

#[tokio::test]
async fn a_refused_vehicle_costs_its_certificate_nothing() {
    let world = World::with_cases().await;
    world.execute("ALTER TABLE vehicles ADD CONSTRAINT no_tata CHECK (brand <> 'TATA')").await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, 1631);
    assert_eq!(world.number("SELECT count(*) FROM vehicles WHERE brand = 'TATA'").await, 0);
    let warned = "SELECT count(*) FROM certferry.certificate_status
                  WHERE state = 'migrated' AND new_vehicle_id IS NULL AND warnings @> '[{\"code\": \"vehicle_not_created\"}]'";
    let without = "SELECT count(*) FROM certificates LEFT JOIN vehicles ON certificate_id = certificates.id
                   WHERE vehicles.id IS NULL";
    let missing =
        "SELECT count(*) FROM certferry.certificate_status WHERE warnings @> '[{\"code\": \"vehicle_missing\"}]'";
    assert_eq!(world.number(warned).await + world.number(missing).await, world.number(without).await);
    assert!(world.number(warned).await > 10);
}

#[tokio::test]
async fn customers_with_one_trade_licence_become_one() {
    let world = World::with_cases().await;
    world
        .execute_at_source(
            "UPDATE customers SET trade_license = 'ONE' WHERE id IN (1017, 1031);
             UPDATE certificates SET customer_id = 1031 WHERE id % 2 = 0;
             UPDATE certificates SET customer_id = 1017 WHERE id % 2 = 1",
        )
        .await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    assert_eq!(world.number("SELECT count(*) FROM customers WHERE trade_license = 'ONE'").await, 1);
    let origins = world
        .rows("SELECT origin, count(DISTINCT new_id) FROM certferry.mapping WHERE entity = 'customer' AND old_id IN (1017, 1031) GROUP BY 1 ORDER BY 1")
        .await;
    let origins: Vec<(String, i64)> = origins.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(origins, [("created".into(), 1), ("matched".into(), 1)]);
}

/// Somebody else inserts a customer with the licence that certificate 2 needs, and ends only when the worker waits.
async fn origin_after_a_rival(end: &str) -> String {
    let world = World::with_cases().await;
    world.execute_at_source("UPDATE customers SET trade_license = 'ONE' WHERE id = 1031").await;
    world.succeeds("producer", ["enqueue", "--id", "2"]).await;
    let mut rival = world.connection().await;
    let insert = "BEGIN; INSERT INTO customers (name, trade_license) VALUES ('Rival', 'ONE')";
    sqlx::raw_sql(insert).execute(&mut rival).await.unwrap();
    let worker = world.start("worker", ["--drain"]);
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    world.until(waiting, |waiting| waiting > 0).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(end.to_owned())).execute(&mut rival).await.unwrap();
    succeeded(ended(worker).await);
    assert_eq!(outcomes(&world, "2").await, [migrated(2)]);
    assert_eq!(world.number("SELECT count(*) FROM customers WHERE trade_license = 'ONE'").await, 1);
    let mapping = "SELECT origin FROM certferry.mapping WHERE entity = 'customer' AND old_id = 1031";
    world.rows(mapping).await[0].get(0)
}

#[tokio::test]
async fn a_customer_whom_another_worker_is_just_creating_is_waited_for_and_taken() {
    assert_eq!(origin_after_a_rival("COMMIT").await, "matched");
}

#[tokio::test]
async fn a_customer_whom_another_worker_failed_to_create_is_created() {
    assert_eq!(origin_after_a_rival("ROLLBACK").await, "created");
}
