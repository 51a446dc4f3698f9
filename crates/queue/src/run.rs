//! Running a worker: registered, leased, woken, and stopped without leaving anything claimed.

use std::sync::Arc;
use std::time::Duration;

use apalis::layers::WorkerBuilderExt;
use apalis_core::error::BoxDynError;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backend::Claims;
use crate::claim::{Claimer, Reached};
use crate::job::Batch;
use crate::{Error, Queue, lease, wakeup, workers};

/// How jobs are claimed.
#[derive(Clone, Debug)]
pub struct Claiming {
    /// Batches in flight at most.
    pub concurrency: usize,
    /// Jobs in a batch at most.
    pub batch_size: u32,
    /// How many workers may die with a job before it is given up.
    pub max_crashes: u32,
    /// How long until a worker that is not seen counts as dead.
    pub orphan_after: Duration,
    /// How often to look for jobs when no notification comes.
    pub poll_interval: Duration,
    /// Whether to end when no job is left.
    pub drain: bool,
}

/// A worker of the queue: its name and what it shares with those who work for it.
#[derive(Clone, Debug)]
pub struct Worker {
    name: String,
    may_claim: watch::Sender<bool>,
    lease_unbroken_since: watch::Sender<Instant>,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            name: workers::new_name(),
            may_claim: watch::channel(true).0,
            lease_unbroken_since: watch::channel(Instant::now()).0,
        }
    }
}

impl Worker {
    /// Unique to this start of this process.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Set to false to claim nothing for a while.
    #[must_use]
    pub fn may_claim(&self) -> &watch::Sender<bool> {
        &self.may_claim
    }

    /// For how long the lease has been renewed without a gap.
    #[must_use]
    pub fn lease_unbroken_for(&self) -> Duration {
        self.lease_unbroken_since.borrow().elapsed()
    }

    /// Claims batches and calls `handler` with each, until `stop`, or until no job is left where it drains. Whatever
    /// the handler does not complete or postpone stays claimed by this worker.
    ///
    /// Returns when every batch has ended.
    pub async fn run<H, F>(
        &self,
        queue: &Queue,
        claiming: &Claiming,
        stop: CancellationToken,
        handler: H,
    ) -> Result<(), Error>
    where
        H: Fn(Batch) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let context = WorkerContext::new(&self.name);
        workers::register(&queue.pool, &context).await?;
        let woken = Arc::new(Notify::new());
        // Dropped, and so ended, with this future.
        let mut background = JoinSet::new();
        background.spawn(lease::keep(
            queue.pool.clone(),
            context.clone(),
            claiming.orphan_after,
            self.lease_unbroken_since.clone(),
        ));
        background.spawn(wakeup::listen(queue.pool.clone(), woken.clone(), claiming.poll_interval));

        let claims = Claims::new(Claimer {
            pool: queue.pool.clone(),
            worker: self.name.clone(),
            limits: limits(claiming.batch_size, claiming.max_crashes),
            poll_interval: claiming.poll_interval,
            drain: claiming.drain,
            woken: woken.clone(),
            may_claim: self.may_claim.subscribe(),
            stop,
            reached: Reached::default(),
        });
        let ran = WorkerBuilder::new(&context)
            .backend(claims)
            .concurrency(claiming.concurrency)
            .parallelize(tokio::spawn)
            .build(move |batch: Batch| {
                let working = handler(batch);
                let woken = woken.clone();
                async move {
                    working.await;
                    // It may have been the last one, for which a draining worker waits.
                    woken.notify_one();
                    Ok::<(), BoxDynError>(())
                }
            })
            .run()
            .await;
        background.shutdown().await;
        if let Err(error) = workers::deregister(&queue.pool, &self.name).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the worker's row stays until it is forgotten");
        }
        ran.map_err(|error| Error::of_worker("run the worker", error))
    }
}

/// The most jobs to claim at once, by the number of workers that died with them: fewer and fewer, the last time one.
fn limits(batch_size: u32, max_crashes: u32) -> Vec<i32> {
    let mut limits: Vec<i32> = (0..max_crashes.saturating_sub(1))
        .map(|crashes| i32::try_from(batch_size.checked_shr(4 * crashes).unwrap_or(0).max(1)).unwrap_or(i32::MAX))
        .collect();
    limits.push(if max_crashes <= 1 { i32::try_from(batch_size).unwrap_or(i32::MAX) } else { 1 });
    limits
}

#[cfg(test)]
mod tests {
    use super::limits;

    #[test]
    fn jobs_that_killed_workers_run_in_ever_smaller_batches_and_at_last_alone() {
        assert_eq!(limits(500, 3), [500, 31, 1]);
        assert_eq!(limits(500, 5), [500, 31, 1, 1, 1]);
        assert_eq!(limits(1, 2), [1, 1]);
    }
}
