//! A transaction that somebody left open: nothing that dies after its beginning can be cleared away.

use std::time::Instant;

use sqlx::{Connection, PgConnection};

use super::account::Outcome;
use super::run::{Data, Run};
use super::scene::Scene;

/// Certificates a second that flow while the transaction is open, about.
const FLOW: i64 = 500;

/// Certificates that are migrated as fast as it goes, before the transaction begins and before it ends.
const BURST: i64 = 15_000;

/// Least of what the rate was at first.
const KEPT: f64 = 0.8;

/// How many certificates it takes to keep the transaction open for so many minutes.
pub(super) fn certificates_for(minutes: u64) -> u64 {
    minutes * 60 * FLOW.unsigned_abs() + 2 * BURST.unsigned_abs()
}

pub(super) async fn snapshot_held(run: Run) -> Outcome {
    match run.data {
        Data::Cases => briefly(run).await,
        Data::Generated(_) => at_length(run).await,
    }
}

async fn briefly(run: Run) -> Outcome {
    let world = run.world().await;
    let mut scene = Scene::begin(&run, world, 3).await;
    let idle = begin(&scene).await;
    let begun = Instant::now();
    scene.reaches(run.data.certificates()).await;
    let held = begun.elapsed().as_secs();
    idle.close().await.unwrap();
    scene.end().await.noting(format!("open for {held} s"))
}

/// As fast as it goes; steadily, with the transaction open; as fast as it goes, with all that it kept from being cleared away.
async fn at_length(run: Run) -> Outcome {
    let workers = 2;
    let total = run.data.certificates();
    assert!(total > 3 * BURST, "too few certificates for two bursts and a flow between them");
    let mut world = run.world().await;
    world.set("worker.batch_size", "500");
    world.set("worker.concurrency", "4");
    world.set("source.max_rows_per_second", "0");
    let mut scene = Scene::begin(&run, world, workers).await;
    scene.reaches(BURST).await;
    let at_first = scene.progress.rate_between(BURST / 5, BURST);
    scene.fleet.stop().await;

    let idle = begin(&scene).await;
    let begun = Instant::now();
    scene.world.set("worker.batch_size", "50");
    scene.world.set("source.max_rows_per_second", &(FLOW / 2).to_string());
    scene.start(workers);
    let (from, to) = (scene.progress.finished(), total - BURST);
    scene.reaches(to).await;
    let quarter = (to - from) / 4;
    let [early, late] =
        [from, to - quarter].map(|from| scene.progress.rate_between(from + quarter / 10, from + quarter));
    let held = begun.elapsed().as_secs();
    scene.fleet.stop().await;

    scene.world.set("worker.batch_size", "500");
    scene.world.set("source.max_rows_per_second", "0");
    let from = scene.progress.finished();
    scene.start(workers);
    scene.reaches(total).await;
    let at_last = scene.progress.rate_between(from + (total - from) / 5, total);
    idle.close().await.unwrap();
    assert!(late >= KEPT * early, "of a steady flow of {early:.0}/s, {late:.0}/s were left");
    assert!(at_last >= KEPT * at_first, "of {at_first:.0}/s at full speed, {at_last:.0}/s were left");
    scene.end().await.noting(format!(
        "open for {held} s; of a steady flow {early:.0}/s in the first quarter and {late:.0}/s in the last; at full speed \
         {at_first:.0}/s before it was opened and {at_last:.0}/s at the end of it"
    ))
}

/// A transaction that has read once and is idle now.
async fn begin(scene: &Scene) -> PgConnection {
    let mut idle = scene.world.connection().await;
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM certferry.certificate_status")
        .execute(&mut idle)
        .await
        .unwrap();
    idle
}
