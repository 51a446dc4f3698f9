use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;

/// How a database answered when it was last asked.
#[derive(Debug)]
pub(crate) struct Answers {
    database: &'static str,
    is_up: AtomicBool,
    microseconds: AtomicU64,
}

impl Answers {
    /// Of a database that has just answered.
    pub(crate) fn of(database: &'static str) -> Self {
        Self { database, is_up: AtomicBool::new(true), microseconds: AtomicU64::new(0) }
    }

    /// `source` or `destination`.
    pub(crate) fn database(&self) -> &'static str {
        self.database
    }

    /// Whether it answered, be it with a refusal.
    pub(crate) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }

    /// How long that took.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_micros(self.microseconds.load(Ordering::Relaxed))
    }

    /// Asks it, and waits no longer than `within`.
    pub(crate) async fn note<E: Into<Error>>(
        &self,
        within: Duration,
        asking: impl Future<Output = Result<(), E>>,
    ) -> Result<(), Error> {
        let asked = Instant::now();
        let answered = tokio::time::timeout(within, Box::pin(asking)).await;
        let answered = answered.map_or(Err(Error::Unanswered(within)), |answered| answered.map_err(Into::into));
        let microseconds = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.microseconds.store(microseconds, Ordering::Relaxed);
        self.is_up.store(answered.as_ref().err().is_none_or(|error| !error.is_outage()), Ordering::Relaxed);
        answered
    }
}
