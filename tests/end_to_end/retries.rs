//! Transient errors are tried again later, permanent ones fail at once.

use sqlx::Row;

use crate::verdicts::assert_as_expected;
use crate::world::World;

/// The destination raises `sqlstate` for one certificate, as often as the sequence has not reached `times`.
fn refuse_one(sqlstate: &str, times: u32) -> String {
    format!(
        "CREATE SEQUENCE refusals;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.certificate_number = 'SLC/2016/070000000' AND nextval('refusals') <= {times} THEN
                 RAISE EXCEPTION 'not now' USING ERRCODE = '{sqlstate}';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON certificates FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
}

async fn first_certificate(world: &World) -> (String, Option<String>, i32) {
    let row = &world
        .rows("SELECT state, error_code, attempts FROM certferry.certificate_status WHERE certificate_id = 1")
        .await[0];
    (row.get(0), row.get(1), row.get(2))
}

#[tokio::test]
async fn a_transient_refusal_is_tried_again_and_costs_nobody_else_anything() {
    let mut world = World::with_cases().await;
    world.set("worker.backoff_base", "10ms");
    // Undone work does not undo the sequence: an attempt is two refusals, a bold one and a careful one. More than the first
    // attempt uses up, fewer than all of them.
    world.execute(&refuse_one("40001", 3)).await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    assert_as_expected(&world).await;
    let (state, _, attempts) = first_certificate(&world).await;
    assert_eq!(state, "migrated");
    assert!(attempts > 1, "it was not tried again");
    let others = "SELECT count(*) FROM certferry.certificate_status WHERE attempts <> 1 AND certificate_id <> 1";
    assert_eq!(world.number(others).await, 0);
}

#[tokio::test]
async fn a_transient_refusal_that_lasts_fails_after_the_configured_attempts() {
    let mut world = World::with_cases().await;
    world.set("worker.backoff_base", "10ms");
    world.set("worker.max_attempts", "3");
    world.execute(&refuse_one("40P01", 1_000_000)).await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    assert_eq!(first_certificate(&world).await, ("failed".into(), Some("deadlock".into()), 3));
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, 1630);

    world.execute("DROP TRIGGER refuse ON certificates").await;
    world.succeeds("producer", ["retry", "--kind", "database"]).await;
    world.drain(1).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn the_wait_before_another_attempt_is_kept_in_the_queue() {
    let mut world = World::with_cases().await;
    world.set("worker.backoff_base", "1h");
    world.set("worker.backoff_max", "24h");
    world.execute(&refuse_one("40001", 1_000_000)).await;
    world.succeeds("producer", ["enqueue", "--id", "1"]).await;
    let worker = world.start("worker", [""; 0]);
    let waiting = "SELECT count(*) FROM apalis.jobs
                   WHERE status = 'Pending' AND attempts = 1 AND lock_by IS NULL AND run_at <= now() + interval '1 hour'";
    world.until(waiting, |jobs| jobs == 1).await;
    assert_eq!(first_certificate(&world).await, ("queued".into(), None, 1));
    drop(worker);
}

#[tokio::test]
async fn a_permanent_refusal_fails_at_once_and_alone() {
    let world = World::with_cases().await;
    world.execute(&refuse_one("23514", 1_000_000)).await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    assert_eq!(first_certificate(&world).await, ("failed".into(), Some("check_violation".into()), 1));
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, 1630);
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status WHERE state = 'failed'").await, 370);
}

#[tokio::test]
async fn a_certificate_that_is_gone_from_the_source_says_so() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue", "--id", "1", "--id", "2"]).await;
    world.execute_at_source("DELETE FROM certificates WHERE id = 1").await;
    world.drain(1).await;
    assert_eq!(first_certificate(&world).await, ("failed".into(), Some("certificate_not_found".into()), 1));
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, 1);
}
