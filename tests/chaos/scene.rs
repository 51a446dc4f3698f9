//! Everything enqueued, workers at work, and the account at the end.

use std::time::{Duration, Instant};

use rand::RngExt;

use super::account::Outcome;
use super::fleet::Fleet;
use super::progress::Progress;
use super::run::{Data, Run};
use crate::conservation::Conservation;
use crate::verdicts::assert_as_expected;
use crate::world::World;

/// Nothing is finished for so long only when it hangs; no outage is as long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A migration under way.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) fleet: Fleet,
    pub(crate) progress: Progress,
    pub(crate) conservation: Conservation,
    data: Data,
}

impl Scene {
    /// Enqueues everything and starts so many workers.
    pub(crate) async fn begin(run: &Run, world: World, workers: usize) -> Self {
        world.succeeds("producer", ["enqueue"]).await;
        let mut scene = Self::empty(run, world).await;
        scene.start(workers);
        scene
    }

    /// Nothing is enqueued, and there is no worker.
    pub(crate) async fn empty(run: &Run, world: World) -> Self {
        Self {
            fleet: Fleet::default(),
            progress: Progress::of(&world),
            conservation: Conservation::expecting(&world, run.data.certificates()).await,
            world,
            data: run.data,
        }
    }

    pub(crate) fn start(&mut self, workers: usize) {
        for _ in 0..workers {
            self.fleet.add(&self.world, &[]);
        }
    }

    /// One of the workers, by chance.
    pub(crate) fn any_worker(&self, run: &mut Run) -> usize {
        run.random.random_range(0..self.fleet.len())
    }

    /// Returns when so many certificates are finished. Meanwhile no worker may end, nor may all be idle for long.
    pub(crate) async fn reaches(&mut self, number: i64) {
        let waiting_since = Instant::now();
        while tokio::time::timeout(Duration::from_millis(200), self.progress.reaches(number)).await.is_err() {
            self.fleet.assert_all_run();
            let quiet_for = self.progress.last_growth().max(waiting_since).elapsed();
            assert!(
                quiet_for < PATIENCE,
                "nothing was finished for {quiet_for:?}, at {} of {number} certificates; the workers' last words:\n{}",
                self.progress.finished(),
                self.fleet.last_words()
            );
        }
    }

    /// Waits until every certificate is finished, stops the workers and draws up the account.
    pub(crate) async fn end(mut self) -> Outcome {
        self.reaches(self.data.certificates()).await;
        // The jobs of certificates that somebody finished late are found to be done.
        self.world.until("SELECT count(*) FROM apalis.jobs", |jobs| jobs == 0).await;
        self.fleet.assert_all_run();
        self.fleet.stop().await;
        let outcome = Outcome::of(&self.world, self.data).await;
        outcome.assert_clean();
        self.conservation.assert_holds(&self.world).await;
        if matches!(self.data, Data::Cases) {
            assert_as_expected(&self.world).await;
        }
        outcome
    }

    /// The certificates to which an attempt too many was charged.
    pub(crate) async fn charged(&self) -> i64 {
        self.world.number("SELECT count(*) FROM certferry.certificate_status WHERE attempts > 1").await
    }
}
