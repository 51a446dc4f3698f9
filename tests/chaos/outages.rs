//! Servers that stop at once, as in a crash, and come back.

use std::path::Path;
use std::time::{Duration, Instant};

use certferry_testkit::cases;
use certferry_testkit::mariadb;
use certferry_testkit::postgres::{Durability, Server, Settings};
use tokio::process::Command;

use super::account::Outcome;
use super::run::{Data, Run, impatient};
use super::scene::Scene;

/// Work resumes within so many seconds of the return.
const RECOVERY: f64 = 10.0;

/// The seconds until work went on, of each absence, and what there is to say about the rates.
#[derive(Default)]
pub(super) struct Recoveries {
    seconds: Vec<f64>,
    /// What was finished at the first absence, and when work went on after the last.
    before: i64,
    after: i64,
    back: Option<Instant>,
}

impl Recoveries {
    /// To be called when something goes away.
    pub(super) fn goes(&mut self, scene: &Scene) {
        if self.seconds.is_empty() {
            self.before = scene.progress.finished();
        }
    }

    /// Waits until work goes on after something came back.
    pub(super) async fn comes_back(&mut self, scene: &mut Scene) {
        let back = Instant::now();
        let finished = scene.progress.finished();
        scene.reaches(finished + 1).await;
        let seconds = scene.progress.seconds_until_growth(back).unwrap_or_default();
        assert!(seconds < RECOVERY, "work went on only {seconds:.1} s after the return; {}", scene.fleet.last_words());
        self.seconds.push(seconds);
        self.after = scene.progress.finished();
        self.back = Some(back);
    }

    /// The end of the scene, with the longest of the recoveries.
    pub(super) async fn end(self, run: &Run, scene: Scene) -> Outcome {
        self.end_charged(run, scene, false).await
    }

    /// The same, where attempts may have been charged to certificates.
    pub(super) async fn end_charged(self, run: &Run, mut scene: Scene, may_charge: bool) -> Outcome {
        let total = run.data.certificates();
        scene.reaches(total).await;
        // Neither the first seconds, in which people are looked up, nor the last, in which not everybody has work.
        let before = scene.progress.rate_between(self.before / 4, self.before);
        let last = self.after + (total - self.after) * 8 / 10;
        // From ten seconds after the return, by which all is to be as before, where there is enough to do for so long.
        let settled = self.back.map(|back| scene.progress.finished_at(back + Duration::from_secs_f64(RECOVERY)));
        let after = scene.progress.rate_between(settled.filter(|number| *number < last).unwrap_or(self.after), last);
        let charged = scene.charged().await;
        assert!(charged == 0 || may_charge, "an outage was charged to {charged} certificates");
        let mut outcome = scene.end().await;
        outcome.recovery_seconds = self.seconds.into_iter().reduce(f64::max);
        if charged > 0 {
            outcome = outcome.noting(format!("attempts charged to {charged} certificates"));
        }
        outcome.noting(format!("{before:.0}/s before, {after:.0}/s after"))
    }
}

pub(super) async fn destination_stops(mut run: Run) -> Outcome {
    let server = Server::start(Settings { durability: Durability::Full, ..Settings::default() }).await.unwrap();
    let shared = Server::shared().await.unwrap();
    let mut world = run.world_on(&shared, server.address()).await;
    impatient(&mut world);
    let scene = Scene::begin(&run, world, 3).await;
    stops(&mut run, scene, &server).await
}

/// What an older copy says of jobs that it lost since, nobody remembers: they are worked on all the same.
pub(super) async fn destination_restored(mut run: Run) -> Outcome {
    let server = Server::start(Settings { durability: Durability::Full, ..Settings::default() }).await.unwrap();
    let shared = Server::shared().await.unwrap();
    let mut world = run.world_on(&shared, server.address()).await;
    impatient(&mut world);
    world.set("worker.batch_size", "20");
    let mut scene = Scene::begin(&run, world, 2).await;
    let (data, copy) = (server.address().directory().join("data"), server.address().directory().join("copy"));
    let (some, half) = (run.about(0.25), run.about(0.5));
    scene.reaches(some).await;
    server.stop_immediate().await.unwrap();
    copied(&data, &copy).await;
    server.start_again().await.unwrap();
    scene.reaches(half).await;
    server.stop_immediate().await.unwrap();
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&copy, &data).unwrap();
    server.start_again().await.unwrap();
    scene.end().await
}

/// Copies a folder with the rights and owners of what is in it.
async fn copied(from: &Path, to: &Path) {
    let copying = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copying.await.unwrap().success(), "{} cannot be copied", from.display());
}

pub(super) async fn source_stops(mut run: Run) -> Outcome {
    let server = Server::start(Settings::default()).await.unwrap();
    let shared = Server::shared().await.unwrap();
    let mut world = run.world_on(server.address(), &shared).await;
    impatient(&mut world);
    let scene = Scene::begin(&run, world, 3).await;
    stops(&mut run, scene, &server).await
}

async fn stops(run: &mut Run, mut scene: Scene, server: &Server) -> Outcome {
    let mut recoveries = Recoveries::default();
    let times = if matches!(run.data, Data::Cases) { 1 } else { 2 };
    for time in 0..times {
        let enough = run.about(0.25) + run.data.certificates() * time * 3 / 10;
        scene.reaches(enough).await;
        recoveries.goes(&scene);
        server.stop_immediate().await.unwrap();
        // It is away for a while, and nothing is to end of that.
        tokio::time::sleep(run.absence()).await;
        scene.fleet.assert_all_run();
        server.start_again().await.unwrap();
        recoveries.comes_back(&mut scene).await;
    }
    recoveries.end(run, scene).await
}

pub(super) async fn mariadb_source_stops(mut run: Run) -> Outcome {
    let server = match mariadb::Server::start().await {
        Err(error @ mariadb::Error::NotInstalled) => return Outcome::left_out(error.to_string()),
        server => server.unwrap(),
    };
    let source = mariadb::Database::on(server.address()).await.unwrap();
    match run.data {
        Data::Cases => cases::load_source(&source.url()).await.unwrap(),
        Data::Generated(dataset) => dataset.load_source(&source.url()).await.unwrap(),
    }
    let mut world = run.world().await;
    world.set("source.url", &source.url());
    impatient(&mut world);
    let mut scene = Scene::begin(&run, world, 3).await;
    let mut recoveries = Recoveries::default();
    let enough = run.about(0.3);
    scene.reaches(enough).await;
    recoveries.goes(&scene);
    server.stop_immediate().await.unwrap();
    tokio::time::sleep(run.absence()).await;
    scene.fleet.assert_all_run();
    server.start_again().await.unwrap();
    recoveries.comes_back(&mut scene).await;
    recoveries.end(&run, scene).await
}
