//! Locks that others hold in the destination: who holds them is told, and the certificates that need them wait apart.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use certferry_certificate::OldId;
use certferry_queue::Job;
use certferry_store::{Database, ForeignLock, Transaction};
use tokio::time::Instant;

use crate::engine::Engine;
use crate::error::Error;

/// How often to look for sessions of ours that wait for others.
const INTERVAL: Duration = Duration::from_millis(500);

/// The longest pause between looks when looking fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// For how long after it was met last a lock may still be there: certificates that wait for one are tried more often.
const MAY_LAST: Duration = Duration::from_secs(20);

/// How often what is waited for is told to `producer status`, and to the log.
const TELL_EVERY: Duration = Duration::from_secs(5);
const LOG_EVERY: Duration = Duration::from_mins(1);

/// The waits between attempts of a certificate that waits for a lock.
const SHORTEST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// How long a batch waits for each lock when some are known to be held: longer than sessions of ours hold theirs. Certificates
/// that need one locked row wait once together.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);

/// Looks for locks that others hold, and tells of them.
#[derive(Debug)]
pub(crate) struct Locks {
    database: Database,
    /// Under which name this process tells what it waits for.
    teller: String,
    observed: Mutex<Observed>,
}

/// A lock that the log warned of: who holds it, and which table it is on, as far as that is known.
type Logged = (Option<i32>, Option<String>);

/// What was observed of locks that others hold, and when that was told.
#[derive(Debug, Default)]
struct Observed {
    /// When a certificate last had to wait for a lock.
    waited_at: Option<Instant>,
    /// Who was last seen holding one, and when.
    holder: Option<(Instant, ForeignLock)>,
    told: Option<Instant>,
    logged: HashMap<Logged, Instant>,
}

impl Observed {
    fn latest_holder(&self) -> Option<&ForeignLock> {
        self.holder.as_ref().filter(|(at, _)| at.elapsed() < MAY_LAST).map(|(_, lock)| lock)
    }

    /// Whether the log has not warned of the lock yet, or long ago. A session that does one thing after the other has a new
    /// transaction each time, and is warned of once all the same.
    fn is_news(&mut self) -> bool {
        let lock = self.latest_holder().map(|lock| (lock.pid, lock.locked.clone())).unwrap_or_default();
        self.logged.retain(|of, at| *of == lock || at.elapsed() < LOG_EVERY);
        let is_news = self.logged.get(&lock).is_none_or(|at| at.elapsed() >= LOG_EVERY);
        if is_news {
            self.logged.insert(lock, Instant::now());
        }
        is_news
    }
}

impl Locks {
    pub(crate) fn new(database: Database) -> Self {
        let teller = format!("process {} {:08x}", std::process::id(), rand::random::<u32>());
        Self { database, teller, observed: Mutex::default() }
    }

    /// Looks for as long as it is polled.
    pub(crate) async fn watch(&self) {
        let beginning = Box::pin(certferry_store::begin_waiting(&self.database, &self.teller));
        if let Some(Err(error)) = self.database.until_renewed(beginning).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "no room was made for what may be waited for");
        }
        let mut pause = INTERVAL;
        loop {
            tokio::time::sleep(pause).await;
            let looking = Box::pin(certferry_store::foreign_lock(&self.database));
            match self.database.until_renewed(looking).await {
                Some(Ok(lock)) => {
                    pause = INTERVAL;
                    self.note(lock).await;
                }
                Some(Err(error)) => {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    tracing::debug!(error = &error as &dyn std::error::Error, "could not look for locks of others");
                }
                None => {}
            }
        }
    }

    /// Whether an error means that a batch waited in vain for a lock.
    pub(crate) fn is_wait(&self, error: &Error) -> bool {
        // Batches that wait for others are cancelled by whoever sees it first, perhaps another process.
        error.is_lock_timeout() || error.is_cancelled_by_request() || error.is_cancelled() && self.are_held()
    }

    /// Remembers that certificates had to wait for a lock.
    pub(crate) fn note_wait(&self) {
        self.lock().waited_at = Some(Instant::now());
    }

    /// Whether certificates had to wait for locks of others just now.
    pub(crate) fn are_held(&self) -> bool {
        self.lock().waited_at.is_some_and(|at| at.elapsed() < MAY_LAST)
    }

    /// Who holds the lock, as was seen last, in a sentence.
    pub(crate) fn holder(&self) -> Option<String> {
        self.lock().latest_holder().map(|lock| {
            format!("certificates wait for {lock}; have that session end its transaction, pg_stat_activity shows it")
        })
    }

    async fn note(&self, lock: Option<ForeignLock>) {
        if let Some(mut lock) = lock {
            let now = Instant::now();
            let mut observed = self.lock();
            observed.waited_at = Some(now);
            // Whoever waited may have given up before it was looked what for.
            if lock.locked.is_none()
                && let Some((_, before)) = observed.holder.take().filter(|(_, before)| before.pid == lock.pid)
            {
                lock.locked = before.locked;
            }
            observed.holder = Some((now, lock));
        }
        if self.are_held() {
            let text = self.holder().unwrap_or_else(|| {
                "certificates wait for a lock that another session holds; pg_stat_activity shows it".to_owned()
            });
            let is_news = self.lock().is_news();
            if is_news {
                tracing::warn!("{text}; certificates that do not need it go on, nothing is lost");
            }
            self.tell(&text).await;
        } else if !std::mem::take(&mut self.lock().logged).is_empty() {
            tracing::info!("nobody waits for a lock of others any more");
            self.end().await;
        }
    }

    /// Tells `producer status` what is waited for, unless that was done just now.
    pub(crate) async fn tell(&self, text: &str) {
        if self.lock().told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return;
        }
        self.lock().told = Some(Instant::now());
        let telling = certferry_store::record_waiting(&self.database, &self.teller, text);
        let telling = tokio::time::timeout(TELL_EVERY, Box::pin(telling));
        if let Some(Ok(Err(error))) = self.database.until_renewed(telling).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "could not record what is waited for");
        }
    }

    /// Tells `producer status` that nothing is waited for.
    pub(crate) async fn end(&self) {
        if self.lock().told.take().is_none() {
            return;
        }
        let ending = certferry_store::end_waiting(&self.database, &self.teller);
        let ending = tokio::time::timeout(TELL_EVERY, Box::pin(ending));
        if let Some(Ok(Err(error))) = self.database.until_renewed(ending).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "what was waited for is told for some seconds more"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a certificate that has waited so long for a lock is tried again.
fn delay_after(waited: Duration) -> Duration {
    (waited / 4).clamp(SHORTEST_DELAY, LONGEST_DELAY)
}

impl Engine {
    /// Notes certificates that wait for a lock: when each is to be tried again, and which have waited for longer than
    /// `worker.lock_patience`.
    pub(crate) async fn note_lock_waits(
        &self,
        transaction: &mut Transaction,
        certificates: &[OldId],
    ) -> Result<(HashMap<OldId, Duration>, HashSet<OldId>), Error> {
        let waits = certferry_store::note_lock_waits(transaction, certificates).await?;
        let too_long = waits.iter().filter(|(_, waited)| *waited > self.config.lock_patience);
        let too_long = too_long.map(|(id, _)| *id).collect();
        Ok((waits.into_iter().map(|(id, waited)| (id, delay_after(waited))).collect(), too_long))
    }

    /// Puts a certificate back that stands alone and waits for a lock, perhaps that of its own status row. Returns
    /// false, and leaves it as it is, when it has waited for longer than `worker.lock_patience`.
    pub(crate) async fn set_back(&self, job: &Job) -> Result<bool, Error> {
        let mut transaction = self.database.begin().await?;
        let id = job.certificate_id;
        let (delays, too_long) = self.note_lock_waits(&mut transaction, &[id]).await?;
        if !too_long.contains(&id) {
            let delay = delays.get(&id).copied().unwrap_or(LONGEST_DELAY);
            certferry_queue::set_back(&mut transaction, &self.worker, &[(job.id.clone(), delay)]).await?;
        }
        transaction.commit().await?;
        Ok(too_long.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_logged_again_only_for_another_holder_or_table() {
        let lock = |pid, locked: &str, application: Option<&str>| ForeignLock {
            pid: Some(pid),
            application: application.map(str::to_owned),
            user: None,
            since: None,
            locked: Some(locked.to_owned()),
        };
        let mut observed = Observed::default();
        let mut is_news = |lock| {
            observed.holder = Some((Instant::now(), lock));
            observed.is_news()
        };
        assert!(is_news(lock(1, "users", None)));
        assert!(!is_news(lock(1, "users", Some("psql"))), "only its words are other ones");
        assert!(is_news(lock(1, "vehicles", None)));
        assert!(!is_news(lock(1, "users", None)));
        assert!(is_news(lock(2, "users", None)));
    }

    #[test]
    fn whoever_has_waited_for_long_is_tried_less_often() {
        let delays = [0, 4, 20, 600].map(|waited| delay_after(Duration::from_secs(waited)).as_secs());
        assert_eq!(delays, [1, 1, 5, 10]);
    }
}
