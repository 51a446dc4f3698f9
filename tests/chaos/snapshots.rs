//! A transaction that somebody left open: nothing that dies after its beginning can be cleared away.

use std::time::Instant;

use super::account::Outcome;
use super::run::{Data, Run};
use super::scene::Scene;

pub(super) async fn snapshot_held(run: Run) -> Outcome {
    let world = run.world().await;
    let mut scene = Scene::begin(&run, world, 3).await;
    let mut idle = scene.world.connection().await;
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM certferry.certificate_status")
        .execute(&mut idle)
        .await
        .unwrap();
    let begun = Instant::now();
    let total = run.data.certificates();
    scene.reaches(total).await;
    let held = begun.elapsed().as_secs();
    let early = scene.progress.rate_between(total / 20, total / 4);
    let late = scene.progress.rate_between(total * 3 / 4, total * 19 / 20);
    if matches!(run.data, Data::Generated(_)) {
        assert!(late >= 0.8 * early, "{early:.0}/s at first, {late:.0}/s in the end");
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut idle).await.unwrap();
    scene.end().await.noting(format!("open for {held} s; {early:.0}/s in the first quarter, {late:.0}/s in the last"))
}
