//! Connections that the server ends, and too few of them.

use std::time::Duration;

use rand::RngExt;
use sqlx::{Connection, PgConnection};

use super::account::Outcome;
use super::run::Run;
use super::scene::Scene;
use crate::world::World;

const EVERY: Duration = Duration::from_millis(100);

/// The connections of Certferry's processes to one database, in an order that does not depend on chance.
const CONNECTIONS: &str = "
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name LIKE 'certferry%'
ORDER BY backend_start, pid";

pub(super) async fn connections_terminated(mut run: Run) -> Outcome {
    let world = run.world().await;
    let mut scene = Scene::begin(&run, world, 3).await;
    let enough = run.about(0.8);
    let mut databases =
        [administrator(&scene.world.destination.url()).await, administrator(&scene.world.source.url()).await];
    let mut terminated = [0, 0];
    let mut clock = tokio::time::interval(EVERY);
    scene.reaches(1).await;
    while scene.progress.finished() < enough {
        clock.tick().await;
        scene.fleet.assert_all_run();
        let which = run.random.random_range(0..databases.len());
        let found: Vec<i32> = sqlx::query_scalar(CONNECTIONS).fetch_all(&mut databases[which]).await.unwrap();
        if found.is_empty() {
            continue;
        }
        let victim = found[run.random.random_range(0..found.len())];
        let ended: bool = sqlx::query_scalar("SELECT pg_terminate_backend($1)")
            .bind(victim)
            .fetch_one(&mut databases[which])
            .await
            .unwrap();
        terminated[which] += i32::from(ended);
    }
    assert!(terminated.iter().all(|times| *times > 0), "{terminated:?}");
    let charged = scene.charged().await;
    assert_eq!(charged, 0, "a connection that ends is charged to nobody");
    let [destination, source] = terminated;
    scene.end().await.noting(format!("{destination} connections to the destination ended, {source} to the source"))
}

/// A connection that is not one of Certferry's.
async fn administrator(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

pub(super) async fn pools_of_two(run: Run) -> Outcome {
    let mut world = run.world().await;
    at_most_two_connections(&mut world);
    let mut scene = Scene::begin(&run, world, 2).await;
    scene.reaches(run.data.certificates()).await;
    let complaints = scene.fleet.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert_eq!(scene.charged().await, 0);
    scene.end().await.noting("four batches in flight a process; not one warning")
}

fn at_most_two_connections(world: &mut World) {
    world.set("database.max_connections", "2");
    world.set("source.max_connections", "2");
    world.set("worker.concurrency", "4");
}
