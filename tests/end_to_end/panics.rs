//! A panic is caught, and charged to the certificate with which it happens alone.

use crate::verdicts::assert_as_expected;
use crate::world::{World, ended, succeeded};

async fn drain_with(world: &World, fail_points: &str) {
    let mut command = world.command("worker", ["--drain"]);
    command.env("FAILPOINTS", fail_points);
    succeeded(ended(command.spawn().unwrap()).await);
}

#[tokio::test]
async fn a_batch_that_panics_is_halved_and_costs_no_certificate_anything() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    drain_with(&world, "written=7*panic(made up)").await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn a_certificate_that_panics_alone_fails_with_what_was_said() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue", "--id", "1"]).await;
    drain_with(&world, "written=panic(made up)").await;
    let failed = "SELECT count(*) FROM certferry.certificate_status WHERE certificate_id = 1 AND state = 'failed'
                  AND error_kind = 'internal' AND error_code = 'panic' AND error_message LIKE '%made up%'";
    assert_eq!(world.number(failed).await, 1);
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, 0);
}
