//! Rescuing the jobs of workers that died.

use std::sync::Arc;
use std::time::Duration;

use certferry_certificate::{Identity, OldId};
use certferry_queue::{Orphan, Worker};
use certferry_store::{Finished, Interrupted, Verdict};

use crate::attempts::exhausted;
use crate::engine::Engine;
use crate::error::Error;
use crate::settle::lock_open;
use crate::tally::Counts;

/// Sweeps within one `orphan_after`.
const SWEEPS: u32 = 4;

/// Looks for orphaned jobs for as long as it is polled. A worker whose own lease had a gap within `orphan_after` does
/// not judge others: after an outage everyone looks dead for a moment.
pub(crate) async fn sweep(engine: Arc<Engine>, worker: Worker, orphan_after: Duration) {
    loop {
        tokio::time::sleep(orphan_after / SWEEPS).await;
        if worker.lease_unbroken_for() < orphan_after {
            continue;
        }
        // Who is dead is judged now; should the judgement reach the server late, everyone may look dead.
        let rescuing = tokio::time::timeout(orphan_after / 3, Box::pin(engine.rescue(orphan_after)));
        let rescued = engine.health.until_recovered(rescuing).await;
        match rescued.and_then(Result::ok).unwrap_or(Err(Error::Interrupted)) {
            Ok(0) => {}
            Ok(orphans) => tracing::warn!(orphans, "a worker died; its jobs are back in the queue"),
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "orphans could not be looked for"),
        }
    }
}

impl Engine {
    /// Puts orphaned jobs back, and fails those with which too many workers have died. Returns how many there were.
    async fn rescue(&self, orphan_after: Duration) -> Result<usize, Error> {
        // Not from the pool of the batches, which may have none to spare.
        let mut transaction = self.health.steering.begin().await?;
        let orphans = certferry_queue::rescue(&mut transaction, orphan_after).await?;
        let max_crashes = i32::try_from(self.config.max_crashes).unwrap_or(i32::MAX);
        let (exhausted_ones, alive): (Vec<&Orphan>, Vec<&Orphan>) =
            orphans.iter().partition(|orphan| orphan.crashes >= max_crashes);
        let interrupted: Vec<Interrupted> = alive
            .iter()
            .map(|orphan| Interrupted { id: orphan.certificate_id, worker: orphan.worker.clone(), issue: None })
            .collect();
        certferry_store::count_attempts(&mut transaction, &interrupted).await?;
        let results: Vec<Finished> = exhausted_ones
            .iter()
            .map(|orphan| Finished {
                id: orphan.certificate_id,
                identity: Identity::default(),
                started_at: orphan.claimed_at,
                verdict: Verdict::Failed(vec![exhausted(orphan.crashes)]),
                evidence: None,
            })
            .collect();
        // Locked, so that nobody queues one of them again before its job is removed.
        let exhausted_ids: Vec<OldId> = exhausted_ones.iter().map(|orphan| orphan.certificate_id).collect();
        lock_open(&mut transaction, &exhausted_ids).await?;
        certferry_store::finish(&mut transaction, &self.worker, &results).await?;
        let jobs: Vec<String> = exhausted_ones.iter().map(|orphan| orphan.id.clone()).collect();
        certferry_queue::remove_jobs(&mut transaction, &jobs).await?;
        transaction.commit().await?;
        let mut counts = Counts::default();
        for orphan in &exhausted_ones {
            counts.fail(&[exhausted(orphan.crashes)]);
        }
        self.count(&counts);
        self.tally.metrics.add_rescued(alive.len());
        for orphan in exhausted_ones {
            tracing::error!(
                certificate.id = orphan.certificate_id.0,
                "every worker died with this certificate; it failed"
            );
        }
        Ok(orphans.len())
    }
}
