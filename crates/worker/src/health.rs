//! Waiting for a database that is away. Nothing is claimed meanwhile, and nothing is charged to a certificate.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use certferry_queue::{Holds, Queue};
use certferry_source::{Entity, Source};
use certferry_store::Database;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::answers::Answers;
use crate::error::{Error, describe};
use crate::locks::Locks;

/// The reasons for which nothing is claimed.
pub(crate) const OUTAGE: &str = "outage";
pub(crate) const FAILING: &str = "a server does not work";

/// How often to look while all is well: a server that hangs tells nobody.
const INTERVAL: Duration = Duration::from_secs(2);

/// The longest pause between looks at a database that is away: work resumes soon after its return.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How often to say that a database is still away.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// The connections that batches use, and others of their own to look whether the servers answer, so that neither a full
/// pool nor a slow batch is taken for an outage.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) database: Database,
    pub(crate) source: Source,
    pub(crate) queue: Queue,
    pub(crate) steering: Database,
    pub(crate) database_probe: Database,
    pub(crate) source_probe: Source,
    pub(crate) destination_answers: Answers,
    pub(crate) source_answers: Answers,
    pub(crate) holds: Holds,
    pub(crate) locks: Locks,
    /// Whether batches may have to create them.
    pub(crate) creates_customers: bool,
    pub(crate) creates_technicians: bool,
    /// How long a server may take to answer before it counts as away.
    pub(crate) answer_within: Duration,
    /// One waits, the others queue behind it.
    pub(crate) waiting: Mutex<()>,
    pub(crate) recoveries: AtomicU64,
    /// The batches for which a server that answers does not work.
    pub(crate) failing: Arc<Failing>,
}

/// What to ask of the databases.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    /// Whether every table that a batch writes is there and may be written, not only whether the database may.
    is_thorough: bool,
    /// Whose source query to try.
    query: Option<Entity>,
}

impl Look {
    /// What an error gives reason to ask.
    fn after(error: &Error) -> Self {
        match error {
            Error::Source(error) => Self { is_thorough: false, query: error.refused_query() },
            Error::Store(error) => {
                Self { is_thorough: error.is_misfit() || error.is_lock_timeout() || error.is_cancelled(), query: None }
            }
            _ => Self::default(),
        }
    }
}

/// How many batches wait for a server that answers but works for nobody, and why.
#[derive(Debug, Default)]
pub(crate) struct Failing(std::sync::Mutex<(usize, String)>);

impl Failing {
    /// One more batch waits. Returns whether it is the first.
    fn begin(&self, reason: String) -> bool {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *failing = (failing.0 + 1, reason);
        failing.0 == 1
    }

    /// One batch less waits. Returns whether it was the last.
    fn end(&self) -> bool {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failing.0 = failing.0.saturating_sub(1);
        failing.0 == 0
    }

    /// Why batches wait; none when no batch does.
    fn reason(&self) -> Option<String> {
        let failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (failing.0 > 0).then(|| failing.1.clone())
    }
}

/// A batch's wait for a server that answers but works for nobody: its disk is full, say. Nothing is claimed until this is
/// dropped.
#[derive(Debug)]
pub(crate) struct FailingServer {
    pub(crate) since: Instant,
    pause: Duration,
    failing: Arc<Failing>,
    holds: Holds,
}

impl FailingServer {
    /// Waits for a while, longer each time.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.pause.mul_f64(rand::random_range(0.5..1.0))).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

impl Drop for FailingServer {
    fn drop(&mut self) {
        if self.failing.end() {
            self.holds.lift(FAILING);
            tracing::info!(seconds = self.since.elapsed().as_secs(), "the server works again; going on");
        }
    }
}

impl Health {
    /// Looks at both databases for as long as it is polled, and tells `producer status` of a server that works for nobody.
    pub(crate) async fn watch(&self) {
        let mut is_told = false;
        loop {
            tokio::time::sleep(INTERVAL).await;
            self.wait(Look::default()).await;
            match self.failing.reason() {
                Some(reason) => {
                    is_told = true;
                    self.locks.tell(&format!("a server answers but does not work: {reason}")).await;
                }
                None if std::mem::take(&mut is_told) => self.locks.end().await,
                None => {}
            }
        }
    }

    /// Returns when both databases answer.
    pub(crate) async fn until_both_answer(&self) {
        self.wait(Look::default()).await;
    }

    /// After an error: returns when both databases answer; at once, and false, when they did all along.
    pub(crate) async fn wait_after(&self, error: &Error) -> bool {
        if error.is_outage() {
            // One connection was dead; others may be.
            self.database.refresh();
            self.source.refresh();
        }
        self.wait(Look::after(error)).await
    }

    /// Keeps everybody from claiming, because a server answers but does not work for anybody.
    pub(crate) fn server_fails(&self, error: &Error) -> FailingServer {
        if self.failing.begin(describe(error)) {
            self.holds.set(FAILING);
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "a server answers but does not work; trying on, nothing is lost"
            );
        }
        FailingServer {
            since: Instant::now(),
            pause: Duration::from_millis(200),
            failing: self.failing.clone(),
            holds: self.holds.clone(),
        }
    }

    async fn wait(&self, look: Look) -> bool {
        let recoveries = self.recoveries.load(Ordering::Relaxed);
        let _one_at_a_time = self.waiting.lock().await;
        if self.recoveries.load(Ordering::Relaxed) != recoveries {
            return true;
        }
        let Err(first) = self.both_answer(look).await else { return false };
        // It may have been this one connection.
        self.refresh_probes();
        let Err(mut cause) = self.both_answer(look).await else {
            if matches!(first, Error::Unanswered(_)) {
                self.renew();
            }
            return false;
        };
        self.holds.set(OUTAGE);
        let since = Instant::now();
        let mut said: Option<Instant> = None;
        let (mut was_away, mut was_locked) = (false, true);
        let mut pause = Duration::from_millis(100);
        loop {
            was_away |= cause.is_outage();
            was_locked &= cause.is_lock_timeout();
            if said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
                said = Some(Instant::now());
                let error = &cause as &dyn std::error::Error;
                if cause.is_lock_timeout() {
                    tracing::warn!(
                        error,
                        "every batch needs a table that another session has locked; waiting for it, nothing is lost"
                    );
                } else {
                    tracing::warn!(
                        error,
                        "a database is away or does not let batches work; waiting for it, nothing is lost"
                    );
                }
            }
            self.tell(&cause).await;
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            self.refresh_probes();
            match self.both_answer(look).await {
                Ok(()) => break,
                Err(error) => cause = error,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if was_locked {
            tracing::info!(locked_seconds = since.elapsed().as_secs(), "the table is not locked any more; going on");
        } else {
            tracing::info!(away_seconds = since.elapsed().as_secs(), "the databases answer again; going on");
        }
        self.recoveries.fetch_add(1, Ordering::Relaxed);
        if was_away {
            self.renew();
        }
        self.holds.lift(OUTAGE);
        self.locks.end().await;
        true
    }

    /// What `work` gives; none when a database was away meanwhile and `work` may wait for a dead connection.
    pub(crate) async fn until_recovered<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.database.until_renewed(work).await
    }

    fn refresh_probes(&self) {
        self.database_probe.refresh();
        self.source_probe.refresh();
    }

    /// Connections that were open during an outage may never answer again.
    fn renew(&self) {
        self.source.refresh();
        self.queue.renew();
        self.steering.renew();
        self.database.renew();
    }

    /// Tells `producer status` why nothing moves, if the database takes that.
    async fn tell(&self, cause: &Error) {
        let holder = if cause.is_lock_timeout() { self.locks.holder() } else { None };
        self.locks.tell(&holder.unwrap_or_else(|| describe(cause))).await;
    }

    async fn both_answer(&self, look: Look) -> Result<(), Error> {
        let database = async {
            if look.is_thorough {
                self.database_probe.check_writing(self.creates_customers, self.creates_technicians).await
            } else {
                self.database_probe.check_writable().await
            }
        };
        let source = async {
            self.source_probe.ping().await?;
            match look.query {
                Some(entity) => self.source_probe.try_query(entity).await,
                None => Ok(()),
            }
        };
        let within = self.answer_within;
        let answered =
            futures::join!(self.destination_answers.note(within, database), self.source_answers.note(within, source));
        match answered {
            // A server that hangs asks for more than one that refuses.
            (Err(hangs @ Error::Unanswered(_)), _) | (_, Err(hangs @ Error::Unanswered(_))) => Err(hangs),
            (database, source) => database.and(source),
        }
    }
}
