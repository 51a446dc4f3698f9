//! A pooler between Certferry and the server.

use certferry_testkit::pgbouncer::{Error, PgBouncer};
use certferry_testkit::postgres::Server;

use super::account::Outcome;
use super::outages::Recoveries;
use super::run::{Run, impatient};
use super::scene::Scene;

/// Connections to each database, for all processes together: fewer than they would open by themselves.
const POOL_SIZE: u32 = 6;

pub(super) async fn through_pgbouncer(mut run: Run) -> Outcome {
    let shared = Server::shared().await.unwrap();
    let bouncer = match PgBouncer::start(&shared, POOL_SIZE).await {
        Err(error @ Error::NotInstalled) => return Outcome::left_out(error.to_string()),
        bouncer => bouncer.unwrap(),
    };
    let mut world = run.world().await;
    world.set("database.url", &bouncer.url(world.destination.name()));
    world.set("source.url", &bouncer.url(world.source.name()));
    impatient(&mut world);
    world.succeeds("producer", ["setup"]).await;
    let mut scene = Scene::begin(&run, world, 3).await;
    let mut recoveries = Recoveries::default();
    let enough = run.about(0.4);
    scene.reaches(enough).await;
    scene.world.succeeds("producer", ["status"]).await;
    recoveries.goes(&scene);
    bouncer.stop_immediate().await.unwrap();
    bouncer.start_again().await.unwrap();
    recoveries.comes_back(&mut scene).await;
    let direct = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> ''";
    let most = scene.world.number(direct).await;
    assert!(most <= i64::from(POOL_SIZE) + 1, "{most} connections to the server, past PgBouncer");
    recoveries.end(&run, scene).await.noting(format!("{POOL_SIZE} connections to each database for all processes"))
}
