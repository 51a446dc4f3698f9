//! Claiming batches of jobs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use certferry_connection::Connections;
use chrono::{DateTime, Utc};
use opentelemetry::trace::SpanContext;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::holds::{Allowance, Holds};
use crate::job::{Batch, Job, QUEUE, decode};
use crate::strays::InHand;
use crate::trace::{self, Claimed};

/// The longest pause between claims while the database does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(crate) struct Claimer {
    pub(crate) connections: Connections,
    pub(crate) worker: String,
    /// The most jobs a claim takes, by the number of workers that died with them.
    pub(crate) limits: Vec<i32>,
    pub(crate) poll_interval: Duration,
    pub(crate) drain: bool,
    /// Whether batches are linked to the pages that their jobs were pushed with.
    pub(crate) is_traced: bool,
    pub(crate) woken: Arc<Notify>,
    pub(crate) holds: Holds,
    pub(crate) allowance: Arc<dyn Allowance>,
    pub(crate) in_hand: InHand,
    /// The longest that a claim may take.
    pub(crate) answer_within: Duration,
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
    pub(crate) async fn next_batch(self) -> Option<Claimed> {
        let mut pause = Duration::from_millis(50);
        let mut failing = false;
        loop {
            self.stop.run_until_cancelled(self.holds.none()).await?;
            let allowed = self.stop.run_until_cancelled(self.allowance.take(self.most())).await?;
            if allowed == 0 && !self.drain {
                continue;
            }
            let claiming = tokio::time::timeout(self.answer_within, self.claim_or_end(allowed));
            let claimed = self.connections.until_renewed(claiming).await;
            if let Some(Ok(Ok(batch))) = &claimed {
                let jobs = batch.as_ref().map_or(0, |batch| u32::try_from(batch.jobs.len()).unwrap_or(u32::MAX));
                self.allowance.give_back(allowed.saturating_sub(jobs)).await;
            }
            let error = match claimed {
                // Something is left, and nothing of it may be claimed yet.
                Some(Ok(Ok(Some(_)))) if allowed == 0 => {
                    failing = false;
                    continue;
                }
                Some(Ok(Ok(Some(batch)))) if batch.jobs.is_empty() => {
                    failing = false;
                    self.rest(self.poll_interval).await?;
                    continue;
                }
                Some(Ok(Ok(ended_or_batch))) => return ended_or_batch,
                Some(Ok(Err(error))) => error,
                Some(Err(_)) => Error::unanswered("claim jobs", self.answer_within),
                None => Error::interrupted("claim jobs"),
            };
            // The server may have claimed for us all the same.
            self.in_hand.doubt();
            if !std::mem::replace(&mut failing, true) {
                tracing::warn!(error = &error as &dyn std::error::Error, "no jobs can be claimed; trying on");
            }
            self.rest(pause).await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits for a notification or for about `interval`; `None` when told to stop.
    async fn rest(&self, interval: Duration) -> Option<()> {
        let jittered = interval.mul_f64(rand::random_range(0.75..1.25));
        let woken = tokio::time::timeout(jittered, self.woken.notified());
        self.stop.run_until_cancelled(woken).await.map(drop)
    }

    /// The most jobs that a claim ever takes.
    fn most(&self) -> u32 {
        self.limits.iter().copied().max().and_then(|most| u32::try_from(most).ok()).unwrap_or(1)
    }

    async fn claim_or_end(&self, allowed: u32) -> Result<Option<Claimed>, Error> {
        if self.stop.is_cancelled() {
            return Ok(None);
        }
        let (asked_at, asked) = (SystemTime::now(), Instant::now());
        let (jobs, origins) = if allowed == 0 { (Batch::new(), Vec::new()) } else { self.claim(allowed).await? };
        if jobs.is_empty() && self.drain && !self.is_outstanding().await? {
            return Ok(None);
        }
        Ok(Some(Claimed { jobs, asked_at, took: asked.elapsed(), is_traced: self.is_traced, origins }))
    }

    async fn is_outstanding(&self) -> Result<bool, Error> {
        let failed = |error| Error::new("look for jobs", error);
        let mut session = self.connections.session().await.map_err(failed)?;
        sqlx::query_file_scalar!("queries/outstanding.sql", QUEUE).fetch_one(&mut *session).await.map_err(failed)
    }

    /// Claims from where the last claim ended; from the beginning when that gives nothing, and now and then anyway, for
    /// jobs that were put back are older.
    async fn claim(&self, allowed: u32) -> Result<(Batch, Vec<SpanContext>), Error> {
        let allowed = i32::try_from(allowed).unwrap_or(i32::MAX);
        let limits: Vec<i32> = self.limits.iter().map(|limit| allowed.min(*limit)).collect();
        let reached = self.reached.get(self.poll_interval);
        let claimed = self.claim_from(reached, &limits).await?;
        if claimed.0.is_empty() && reached > DateTime::UNIX_EPOCH {
            return self.claim_from(self.reached.begin_again(), &limits).await;
        }
        Ok(claimed)
    }

    async fn claim_from(&self, reached: DateTime<Utc>, limits: &[i32]) -> Result<(Batch, Vec<SpanContext>), Error> {
        let failed = |error| Error::new("claim jobs", error);
        let mut session = self.connections.session().await.map_err(failed)?;
        let rows = sqlx::query_file!("queries/claim.sql", QUEUE, self.worker, limits, reached, self.is_traced)
            .fetch_all(&mut *session)
            .await
            .map_err(failed)?;
        session.end().await.map_err(failed)?;
        #[cfg(feature = "failpoints")]
        fail::fail_point!("claim_answered", |_| Err(Error::interrupted("claim jobs")));
        if let Some(last) = rows.iter().filter(|row| row.crashes == 0).map(|row| row.run_at).max() {
            self.reached.set(last);
        }
        let origins = trace::origins(rows.iter().filter_map(|row| row.metadata.as_deref()));
        let mut batch = Batch::with_capacity(rows.len());
        let mut foreign = Vec::new();
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
                Err(error) => {
                    tracing::error!(
                        job.id = row.id, %error,
                        "a job that is not Certferry's is in its queue; it is set aside as Killed"
                    );
                    foreign.push(row.id);
                }
            }
        }
        self.set_aside(&foreign).await?;
        self.in_hand.add(&batch);
        Ok((batch, origins))
    }

    /// Takes jobs that nobody can work on out of everyone's way; they stay visible.
    async fn set_aside(&self, ids: &[String]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let failed = |error| Error::new("set foreign jobs aside", error);
        let mut session = self.connections.session().await.map_err(failed)?;
        sqlx::query_file!("queries/set_aside.sql", ids, self.worker).execute(&mut *session).await.map_err(failed)?;
        session.end().await.map_err(failed)
    }

    /// Gives a batch back that nobody began.
    pub(crate) async fn release(&self, batch: Batch) -> Result<(), Error> {
        let failed = |error| Error::new("give claimed jobs back", error);
        let ids: Vec<String> = batch.iter().map(|job| job.id.clone()).collect();
        let mut session = self.connections.session().await.map_err(failed)?;
        sqlx::query_file!("queries/release.sql", &ids, self.worker).execute(&mut *session).await.map_err(failed)?;
        session.end().await.map_err(failed)?;
        self.in_hand.remove(&batch);
        Ok(())
    }
}
