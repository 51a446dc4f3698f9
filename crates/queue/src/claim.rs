//! Claiming batches of jobs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::job::{Batch, Job, QUEUE, decode};

/// The longest pause between claims while the database does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(crate) struct Claimer {
    pub(crate) pool: PgPool,
    pub(crate) worker: String,
    /// The most jobs a claim takes, by the number of workers that died with them.
    pub(crate) limits: Vec<i32>,
    pub(crate) poll_interval: Duration,
    pub(crate) drain: bool,
    pub(crate) woken: Arc<Notify>,
    /// False while the source or the destination is away: then nothing is claimed.
    pub(crate) may_claim: watch::Receiver<bool>,
    pub(crate) stop: CancellationToken,
    pub(crate) reached: Reached,
}

/// When the last job that this worker claimed was due: hardly anything that is still due is older.
#[derive(Clone, Debug)]
pub(crate) struct Reached(Arc<Mutex<(DateTime<Utc>, Instant)>>);

impl Default for Reached {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((DateTime::UNIX_EPOCH, Instant::now()))))
    }
}

impl Reached {
    /// From where to claim: the beginning when that was not done for `longest`.
    fn get(&self, longest: Duration) -> DateTime<Utc> {
        let (run_at, begun) = *self.lock();
        if begun.elapsed() > longest { self.begin_again() } else { run_at }
    }

    fn begin_again(&self) -> DateTime<Utc> {
        *self.lock() = (DateTime::UNIX_EPOCH, Instant::now());
        DateTime::UNIX_EPOCH
    }

    fn set(&self, run_at: DateTime<Utc>) {
        self.lock().0 = run_at;
    }

    fn lock(&self) -> MutexGuard<'_, (DateTime<Utc>, Instant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claimer {
    /// Waits for due jobs and claims a batch of them; `None` when told to stop, or drained.
    pub(crate) async fn next_batch(mut self) -> Option<Batch> {
        let mut pause = Duration::from_millis(50);
        let mut failing = false;
        loop {
            // A closed channel means that the engine is gone; so is the reason to wait for it.
            self.stop.clone().run_until_cancelled(self.may_claim.wait_for(|may| *may)).await?.ok()?;
            match self.claim_or_end().await {
                Ok(Some(batch)) if batch.is_empty() => {
                    failing = false;
                    self.rest(self.poll_interval).await?;
                }
                Ok(ended_or_batch) => return ended_or_batch,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(error = &error as &dyn std::error::Error, "no jobs can be claimed; trying on");
                    }
                    self.rest(pause).await?;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Waits for a notification or for about `interval`; `None` when told to stop.
    async fn rest(&self, interval: Duration) -> Option<()> {
        let jittered = interval.mul_f64(rand::random_range(0.75..1.25));
        let woken = tokio::time::timeout(jittered, self.woken.notified());
        self.stop.run_until_cancelled(woken).await.map(drop)
    }

    async fn claim_or_end(&self) -> Result<Option<Batch>, Error> {
        if self.stop.is_cancelled() {
            return Ok(None);
        }
        let batch = self.claim().await?;
        if batch.is_empty() && self.drain {
            let outstanding = sqlx::query_file_scalar!("queries/outstanding.sql", QUEUE).fetch_one(&self.pool);
            if !outstanding.await.map_err(|error| Error::new("look for jobs", error))? {
                return Ok(None);
            }
        }
        Ok(Some(batch))
    }

    /// Claims from where the last claim ended; from the beginning when that gives nothing, and now and then anyway, for
    /// jobs that were put back are older.
    async fn claim(&self) -> Result<Batch, Error> {
        let reached = self.reached.get(self.poll_interval);
        let batch = self.claim_from(reached).await?;
        if batch.is_empty() && reached > DateTime::UNIX_EPOCH {
            return self.claim_from(self.reached.begin_again()).await;
        }
        Ok(batch)
    }

    async fn claim_from(&self, reached: DateTime<Utc>) -> Result<Batch, Error> {
        let rows = sqlx::query_file!("queries/claim.sql", QUEUE, self.worker, &self.limits, reached)
            .fetch_all(&self.pool)
            .await
            .map_err(|error| Error::new("claim jobs", error))?;
        if let Some(last) = rows.iter().filter(|row| row.crashes == 0).map(|row| row.run_at).max() {
            self.reached.set(last);
        }
        let mut batch = Batch::with_capacity(rows.len());
        for row in rows {
            match decode(&row.job) {
                Ok(certificate_id) => {
                    batch.push(Job {
                        id: row.id,
                        certificate_id,
                        attempts: row.attempts,
                        crashes: row.crashes,
                        claimed_at: row.lock_at,
                    });
                }
                // It stays claimed by this worker, visible in apalis.jobs, and costs nobody else anything.
                Err(error) => tracing::error!(job.id = row.id, %error, "a job that is not Certferry's is in its queue"),
            }
        }
        Ok(batch)
    }

    /// Gives a batch back that nobody began.
    pub(crate) async fn release(&self, batch: Batch) -> Result<(), Error> {
        let ids: Vec<String> = batch.into_iter().map(|job| job.id).collect();
        sqlx::query_file!("queries/release.sql", &ids, self.worker)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|error| Error::new("give claimed jobs back", error))
    }
}
