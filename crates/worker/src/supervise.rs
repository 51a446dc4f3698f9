//! Keeping a worker running: when it fails, another one takes its place, under a name of its own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use certferry_bootstrap::{Config, Shutdown};
use certferry_certificate::RulesFingerprint;
use certferry_migration::Planner;
use certferry_queue::{Claimed, Claiming, Holds, Worker};
use certferry_store::Catalog;
use tokio::time::Instant;

use crate::breaker::Breaker;
use crate::drained::Drained;
use crate::engine::Engine;
use crate::health::Health;
use crate::in_flight::InFlight;
use crate::lease::Lease;
use crate::limit::Limit;
use crate::memory::Memory;
use crate::sweep::sweep;
use crate::tally::Tally;

/// The pauses between workers that fail soon after their start.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long the server may go on with a claim whose answer nobody waits for any more.
const CLAIM_UNDER_WAY: Duration = Duration::from_millis(250);

/// A worker that ran for this long was a good one.
const GOOD_RUN: Duration = Duration::from_mins(1);

/// What every worker of this process shares.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) catalog: Catalog,
    pub(crate) drain: bool,
    pub(crate) holds: Holds,
    pub(crate) limit: Arc<Limit>,
    pub(crate) health: Arc<Health>,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) in_flight: InFlight,
    pub(crate) lease: Lease,
    /// Whether batches have traces.
    pub(crate) is_traced: bool,
}

/// How the workers of a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Everything that was claimed has come to an end.
    Finished,
    /// Something had to be given back.
    CutShort,
}

impl Shared {
    /// Runs workers, one after the other, until one has nothing left to do, or the process is told to stop.
    pub(crate) async fn run(&self, shutdown: &Shutdown) -> anyhow::Result<Ended> {
        let mut pause = SHORTEST_PAUSE;
        let mut drained = Drained::default();
        loop {
            let begun = Instant::now();
            let worker = Worker::new(self.holds.clone(), self.limit.clone());
            self.lease.is_of(&worker);
            let failed = tokio::select! {
                ended = self.run_one(&worker, shutdown) => match ended {
                    Ok(()) if self.drain && Box::pin(drained.leaves_work(self, shutdown)).await? => continue,
                    Ok(()) => return Ok(Ended::Finished),
                    Err(error) => error,
                },
                () = patience(shutdown, self.config.worker.shutdown_grace) => {
                    self.give_back(worker.name()).await?;
                    return Ok(Ended::CutShort);
                }
            };
            if shutdown.is_requested() {
                return Err(failed.into());
            }
            if begun.elapsed() > GOOD_RUN {
                pause = SHORTEST_PAUSE;
            }
            let jittered = pause.mul_f64(rand::random_range(0.5..1.0));
            tracing::warn!(
                error = &failed as &dyn std::error::Error,
                pause_seconds = jittered.as_secs_f64(),
                "the worker failed; another one takes its place"
            );
            let waiting = async {
                tokio::time::sleep(jittered).await;
                // It may have failed for an outage, which nobody has looked at yet.
                self.health.until_both_answer().await;
            };
            shutdown.interrupting(Box::pin(waiting)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Gives back what a worker still has, if the database answers; rescued it will be in any case.
    async fn give_back(&self, worker: &str) -> anyhow::Result<()> {
        let longest = self.config.database.connect_timeout;
        let doing = "could not give back what was claimed; other workers will take it over";
        let giving_back = async {
            self.health.queue.abandon(worker).await?;
            // A claim that was under way when it was dropped may be made by the server after that.
            tokio::time::sleep(CLAIM_UNDER_WAY).await;
            self.health.queue.abandon(worker).await
        };
        let given_back = tokio::time::timeout(longest, giving_back).await;
        given_back.context("the database does not answer").context(doing)?.context(doing)
    }

    fn batch_size(&self) -> u32 {
        let settings = &self.config.worker;
        let rate = self.config.source.max_rows_per_second;
        readable_batch_size(settings.batch_size, settings.concurrency, rate, settings.batch_timeout)
    }

    async fn run_one(&self, worker: &Worker, shutdown: &Shutdown) -> Result<(), certferry_queue::Error> {
        let settings = &self.config.worker;
        let engine = Arc::new(Engine {
            worker: worker.name().to_owned(),
            rules: RulesFingerprint::of(&self.config.policy()),
            planner: Planner {
                source: self.health.source.clone(),
                database: self.health.database.clone(),
                policy: self.config.policy(),
                catalog: self.catalog.clone(),
            },
            is_careful: AtomicBool::default(),
            tally: self.tally.clone(),
            config: settings.clone(),
            database: self.health.database.clone(),
            health: self.health.clone(),
            breaker: self.breaker.clone(),
            memory: self.memory.clone(),
            in_flight: self.in_flight.clone(),
        });
        let claiming = Claiming {
            concurrency: settings.concurrency,
            batch_size: self.batch_size(),
            max_crashes: settings.max_crashes,
            orphan_after: settings.orphan_after,
            poll_interval: settings.poll_interval,
            drain: self.drain,
            is_traced: self.is_traced,
        };
        let handler = {
            let engine = engine.clone();
            move |claimed: Claimed| {
                let engine = engine.clone();
                async move { engine.process(claimed).await }
            }
        };
        tracing::info!(worker = worker.name(), "the worker is ready");
        tokio::select! {
            ended = worker.run(&self.health.queue, &claiming, shutdown.graceful().clone(), handler) => ended,
            () = sweep(engine, worker.clone(), settings.orphan_after) => unreachable!("it sweeps for as long as it is polled"),
            () = self.health.watch() => unreachable!("it looks for as long as it is polled"),
            () = self.health.locks.watch() => unreachable!("it looks for as long as it is polled"),
            () = self.breaker.watch(worker.name()) => unreachable!("it looks for as long as it is polled"),
        }
    }
}

/// The part of `worker.batch_timeout` that a batch may wait for its turn to read from the source, which reads no more than
/// so many rows a second: for the certificates, and as often again for customers and technicians.
const SHARE_OF_READING: f64 = 0.125;

/// As many certificates a batch as are configured, or fewer where so many could not be read in time.
fn readable_batch_size(batch_size: usize, concurrency: usize, rows_per_second: u32, batch_timeout: Duration) -> u32 {
    let configured = u32::try_from(batch_size).unwrap_or(u32::MAX);
    if rows_per_second == 0 {
        return configured;
    }
    let seconds = batch_timeout.as_secs_f64() * SHARE_OF_READING;
    let concurrency = f64::from(u32::try_from(concurrency.max(1)).unwrap_or(u32::MAX));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
    let readable = (f64::from(rows_per_second) * seconds / concurrency).clamp(1.0, f64::from(u32::MAX)) as u32;
    configured.min(readable)
}

/// Returns when a worker that was told to stop has had its time, or is told again.
async fn patience(shutdown: &Shutdown, grace: Duration) {
    shutdown.graceful().cancelled().await;
    tracing::info!("stopping: finishing what was begun");
    shutdown.at_once().run_until_cancelled(tokio::time::sleep(grace)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_small_enough_to_be_read_in_time() {
        let size =
            |concurrency, rate, seconds| readable_batch_size(500, concurrency, rate, Duration::from_secs(seconds));
        assert_eq!(size(4, 0, 300), 500, "nothing limits the reading");
        assert_eq!(size(4, 1000, 300), 500);
        assert_eq!(size(4, 50, 300), 468);
        assert_eq!(size(4, 50, 20), 31);
        assert_eq!(size(64, 1, 10), 1, "never none");
    }
}
