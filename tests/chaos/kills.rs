//! Processes that are killed, or stopped for a while.

use std::time::Duration;

use rand::RngExt;
use rustix::process::Signal;

use super::account::Outcome;
use super::run::Run;
use super::scene::Scene;

/// The pace of the killing.
const EVERY: Duration = Duration::from_millis(300);

pub(super) async fn workers_killed(mut run: Run) -> Outcome {
    let mut world = run.world().await;
    world.set("worker.orphan_after", "1s");
    // As many workers die here with a sound certificate as chance has it.
    world.set("worker.max_crashes", "100");
    let mut scene = Scene::begin(&run, world, 4).await;
    let enough = run.about(0.7);
    let mut killed = 0;
    let mut clock = tokio::time::interval(EVERY);
    while scene.progress.finished() < enough {
        clock.tick().await;
        let victim = scene.any_worker(&mut run);
        scene.fleet.kill(victim).await;
        killed += 1;
        scene.start(1);
    }
    let again = scene.charged().await;
    assert!(again > 0, "no worker was killed with a certificate in hand");
    scene.end().await.noting(format!("{killed} workers killed, {again} certificates begun again at least once by then"))
}

pub(super) async fn workers_stopped_and_continued(mut run: Run) -> Outcome {
    let mut world = run.world().await;
    // Who is stopped within a transaction keeps its locks until the server ends it.
    world.set("database.statement_timeout", "2s");
    world.set("worker.orphan_after", "2s");
    let mut scene = Scene::begin(&run, world, 4).await;
    let rounds = 3;
    for round in 1..=rounds {
        scene.reaches(run.data.certificates() * round / 10).await;
        let which = scene.any_worker(&mut run);
        scene.fleet.signal(which, Signal::STOP);
        let of_it = format!(
            "SELECT count(*) FROM apalis.jobs WHERE status = 'Running' AND lock_by LIKE '%-{}-%'",
            scene.fleet.member(which).pid()
        );
        scene.world.until(&of_it, |jobs| jobs == 0).await;
        scene.fleet.signal(which, Signal::CONT);
    }
    scene.end().await.noting(format!("{rounds} workers stopped until others had taken their certificates over"))
}

pub(super) async fn producer_killed_while_enqueueing(mut run: Run) -> Outcome {
    let mut world = run.world().await;
    let pages = 40;
    world.set("source.page_size", &(run.data.certificates() / pages).to_string());
    // All pages take two seconds, so that there is time for killing.
    let rows_per_second = (run.data.certificates() / 2).to_string();
    let mut scene = Scene::empty(&run, world).await;
    scene.start(3);
    let enqueued = "SELECT count(*) FROM certferry.certificate_status";
    let mut killed = 0;
    for _ in 0..5 {
        let before = scene.world.number(enqueued).await;
        let enough = before + run.random.random_range(1..run.data.certificates() / 8);
        let mut producer = scene.world.command("producer", ["enqueue"]);
        let mut producer = producer.env("CERTFERRY__SOURCE__MAX_ROWS_PER_SECOND", &rows_per_second).spawn().unwrap();
        scene.world.until(enqueued, |rows| rows >= enough.min(run.data.certificates())).await;
        producer.kill().await.unwrap();
        killed += i32::from(scene.world.number(enqueued).await < run.data.certificates());
        scene.conservation.assert_agreement(&scene.world).await;
    }
    assert!(killed > 0, "every producer was done before it was killed");
    scene.world.set("source.max_rows_per_second", "0");
    scene.world.succeeds("producer", ["enqueue"]).await;
    scene.end().await.noting(format!("{killed} producers killed before they were done"))
}
