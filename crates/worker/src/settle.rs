//! Settling a batch: its certificates are read, planned and written, all at once or each for itself.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use certferry_certificate::OldId;
use certferry_migration::{Begun, Prepared};
use certferry_queue::Job;
use certferry_store::Transaction;

use crate::engine::Engine;
use crate::error::Error;
use crate::locks::PATIENCE;
use crate::tally::Counts;

/// A job and its certificate, ready to be written or known to fail.
pub(crate) type JobPrepared<'a> = (&'a Job, Prepared);

impl Engine {
    /// Reads, plans and writes a batch: all at once first. When the database refuses something, or a result turns out to
    /// be late, it is undone and done again carefully, from what the databases say now. Refusals seldom come alone: the
    /// next batches are written carefully from the start, until one has none.
    pub(crate) async fn settle(&self, batch: &[Job]) -> Result<Counts, Error> {
        let (prepared, begun) = self.prepare(batch).await?;
        let counts = if self.is_careful.load(Ordering::Relaxed) || self.health.locks.are_held() {
            self.write_carefully(&prepared, begun).await?
        } else {
            match self.apply_at_once(&prepared, begun).await {
                Ok(Some(counts)) => counts,
                Ok(None) => self.prepare_and_apply_carefully(batch).await?,
                Err(error) if self.health.locks.is_wait(&error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a batch waits for a lock of others");
                    self.health.locks.note_wait();
                    self.prepare_and_apply_carefully(batch).await?
                }
                Err(Error::Store(error)) if !error.is_outage() && !error.is_misfit() => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a batch was refused; finding out why");
                    self.prepare_and_apply_carefully(batch).await?
                }
                Err(error) => return Err(error),
            }
        };
        if counts.locked > 0 {
            self.health.locks.note_wait();
        }
        self.is_careful.store(counts.is_surprised, Ordering::Relaxed);
        tracing::debug!(certificates = batch.len(), ?counts, "a batch is settled");
        Ok(counts)
    }

    /// Reads and plans a batch.
    async fn prepare<'a>(&self, batch: &'a [Job]) -> Result<(Vec<JobPrepared<'a>>, Begun), Error> {
        let ids: Vec<OldId> = batch.iter().map(|job| job.certificate_id).collect();
        let (prepared, begun) = self.planner.prepare_batch(&ids).await?;
        Ok((batch.iter().zip(prepared).collect(), begun))
    }

    async fn prepare_and_apply_carefully(&self, batch: &[Job]) -> Result<Counts, Error> {
        let (prepared, begun) = self.prepare(batch).await?;
        self.write_carefully(&prepared, begun).await
    }

    /// Writes each certificate for itself. While others hold locks, those that need them must not hold up the rest for long.
    async fn write_carefully(&self, prepared: &[JobPrepared<'_>], mut begun: Begun) -> Result<Counts, Error> {
        if self.health.locks.are_held() {
            begun.transaction.limit_lock_waits(PATIENCE).await?;
        }
        self.apply_carefully(prepared, begun).await
    }
}

/// Locks status rows and returns the certificates that are still queued; those that had no row have one now.
pub(crate) async fn lock_open(transaction: &mut Transaction, ids: &[OldId]) -> Result<HashSet<OldId>, Error> {
    let locked = certferry_store::lock_open(transaction, ids).await?;
    for id in &locked.recorded {
        tracing::warn!(certificate.id = id.0, "a job's certificate had no status row; it has one now, and is migrated");
    }
    Ok(locked.open)
}
