//! Running a worker: registered, leased, woken, and stopped without leaving anything claimed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use apalis::layers::WorkerBuilderExt;
use apalis_core::error::BoxDynError;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use futures::FutureExt;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::Claims;
use crate::claim::{Claimer, Reached};
use crate::holds::{Allowance, Holds};
use crate::lease::{Lease, Unbroken};
use crate::strays::InHand;
use crate::trace::Claimed;
use crate::{Error, Queue, wakeup, workers};

/// How much longer than the server's own statement timeout to wait for an answer, in case the connection is dead.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

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
    /// Whether batches are linked to the pages that their jobs were pushed with.
    pub is_traced: bool,
}

/// A worker of the queue: its name and what it shares with those who work for it.
#[derive(Clone, Debug)]
pub struct Worker {
    name: String,
    holds: Holds,
    allowance: Arc<dyn Allowance>,
    lease_unbroken: watch::Sender<Unbroken>,
}

impl Worker {
    /// A worker under a new name, which claims nothing while one of `holds` is set, and no more than is allowed.
    #[must_use]
    pub fn new(holds: Holds, allowance: Arc<dyn Allowance>) -> Self {
        Self { name: workers::new_name(), holds, allowance, lease_unbroken: watch::channel(Unbroken::begun()).0 }
    }

    /// Unique to this start of this process.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long ago the lease was renewed; none before the worker is registered.
    #[must_use]
    pub fn lease_age(&self) -> Option<Duration> {
        self.lease_unbroken.borrow().age()
    }

    /// For how long the lease has been renewed without a gap.
    #[must_use]
    pub fn lease_unbroken_for(&self) -> Duration {
        self.lease_unbroken.borrow().lasted()
    }

    /// Claims batches and calls `handler` with each, until `stop`, or until no job is left where it drains. Whatever
    /// the handler does not complete or postpone stays claimed by this worker.
    ///
    /// Returns when every batch has ended. After an error another worker may be run in its place, under a name of its own:
    /// this one's jobs are given back, or rescued from it.
    pub async fn run<H, F>(
        &self,
        queue: &Queue,
        claiming: &Claiming,
        stop: CancellationToken,
        handler: H,
    ) -> Result<(), Error>
    where
        H: Fn(Claimed) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let context = WorkerContext::new(&self.name);
        let registering = Box::pin(workers::register(&queue.connections, &context));
        let registered = queue.connections.until_renewed(registering).await;
        registered.unwrap_or_else(|| Err(Error::interrupted("register the worker")))?;
        self.lease_unbroken.send_modify(Unbroken::register);
        let woken = Arc::new(Notify::new());
        let in_hand = InHand::default();
        let answer_within = queue.statement_timeout + ANSWER_GRACE;
        let lease = Lease {
            connections: queue.connections.clone(),
            worker: context.clone(),
            orphan_after: claiming.orphan_after,
            longest_claim: answer_within,
            in_hand: in_hand.clone(),
            unbroken: self.lease_unbroken.clone(),
        };
        // Dropped, and so ended, with this future.
        let mut background = JoinSet::new();
        background.spawn(lease.keep());
        background.spawn(wakeup::listen(queue.connections.clone(), woken.clone(), claiming.poll_interval));

        let claims = Claims::new(Claimer {
            connections: queue.connections.clone(),
            worker: self.name.clone(),
            limits: limits(claiming.batch_size, claiming.max_crashes),
            poll_interval: claiming.poll_interval,
            drain: claiming.drain,
            is_traced: claiming.is_traced,
            woken: woken.clone(),
            holds: self.holds.clone(),
            allowance: self.allowance.clone(),
            in_hand: in_hand.clone(),
            answer_within,
            stop,
            reached: Reached::default(),
        });
        // When this future is dropped, batches in hand are dropped with it.
        let dropped = CancellationToken::new();
        let _dropping = dropped.clone().drop_guard();
        let batches = TaskTracker::new();
        let tracked = batches.clone();
        let worker = WorkerBuilder::new(&context)
            .backend(claims)
            .concurrency(claiming.concurrency)
            .parallelize(tokio::spawn)
            .build(move |claimed: Claimed| {
                let batch = claimed.jobs.clone();
                let working = handler(claimed);
                let (woken, in_hand, dropped) = (woken.clone(), in_hand.clone(), dropped.clone());
                tracked.track_future(async move {
                    dropped.run_until_cancelled(working).await;
                    in_hand.remove(&batch);
                    // It may have been the last one, for which a draining worker waits.
                    woken.notify_one();
                    Ok::<(), BoxDynError>(())
                })
            });
        let ran = AssertUnwindSafe(worker.run()).catch_unwind().await;
        // Where it failed, batches may be in hand that do not know of it. The lease goes on until they have ended.
        batches.close();
        batches.wait().await;
        background.shutdown().await;
        let ran = match ran {
            Ok(ran) => ran.map_err(|error| Error::of_worker("run the worker", error)),
            Err(_) => Err(Error::panicked("run the worker")),
        };
        match ran {
            Ok(()) => {
                let deregistering = Box::pin(workers::deregister(&queue.connections, &self.name));
                if let Some(Err(error)) = queue.connections.until_renewed(deregistering).await {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "the worker's row stays until it is forgotten"
                    );
                }
                Ok(())
            }
            Err(error) => {
                if let Some(Err(later)) = queue.connections.until_renewed(Box::pin(queue.abandon(&self.name))).await {
                    tracing::debug!(error = &later as &dyn std::error::Error, "what it had claimed will be rescued");
                }
                Err(error)
            }
        }
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
