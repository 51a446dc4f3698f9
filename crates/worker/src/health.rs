//! Waiting for a database that is away. Nothing is claimed meanwhile, and nothing is charged to a certificate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use certferry_queue::{Holds, Queue};
use certferry_source::Source;
use certferry_store::Database;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;

/// The reasons for which nothing is claimed.
const OUTAGE: &str = "outage";
const STRUGGLING: &str = "a server does not work";

/// How often to look while all is well: a server that hangs tells nobody.
const INTERVAL: Duration = Duration::from_secs(2);

/// The longest pause between looks at a database that is away: work resumes soon after its return.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

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
    pub(crate) holds: Holds,
    /// How long a server may take to answer before it counts as away.
    pub(crate) answer_within: Duration,
    /// One waits, the others queue behind it.
    pub(crate) waiting: Mutex<()>,
    pub(crate) recoveries: AtomicU64,
    /// Batches for which a server that answers does not work.
    pub(crate) struggling: Arc<AtomicUsize>,
}

/// A server that answers but works for nobody: its disk is full, say. Nothing is claimed until this is dropped.
#[derive(Debug)]
pub(crate) struct Struggle {
    pub(crate) since: Instant,
    pause: Duration,
    struggling: Arc<AtomicUsize>,
    holds: Holds,
}

impl Struggle {
    /// Waits for a while, longer each time.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.pause.mul_f64(rand::random_range(0.5..1.0))).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

impl Drop for Struggle {
    fn drop(&mut self) {
        if self.struggling.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.holds.lift(STRUGGLING);
            tracing::info!(seconds = self.since.elapsed().as_secs(), "the server works again; going on");
        }
    }
}

impl Health {
    /// Looks at both databases for as long as it is polled.
    pub(crate) async fn watch(&self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            self.wait().await;
        }
    }

    /// After an error: returns when both databases answer; at once, and false, when they did all along.
    pub(crate) async fn wait_after(&self, error: &Error) -> bool {
        if error.is_outage() {
            // One connection was dead; others may be.
            self.database.refresh();
            self.source.refresh();
        }
        self.wait().await
    }

    /// A server answers, but does not work for anybody.
    pub(crate) fn struggle(&self, error: &Error) -> Struggle {
        if self.struggling.fetch_add(1, Ordering::Relaxed) == 0 {
            self.holds.set(STRUGGLING);
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "a server answers but does not work; trying on, nothing is lost"
            );
        }
        Struggle {
            since: Instant::now(),
            pause: Duration::from_millis(200),
            struggling: self.struggling.clone(),
            holds: self.holds.clone(),
        }
    }

    async fn wait(&self) -> bool {
        let recoveries = self.recoveries.load(Ordering::Relaxed);
        let _one_at_a_time = self.waiting.lock().await;
        if self.recoveries.load(Ordering::Relaxed) != recoveries {
            return true;
        }
        let Err(first) = self.both_answer().await else { return false };
        // It may have been this one connection.
        self.refresh_probes();
        let Err(cause) = self.both_answer().await else {
            if matches!(first, Error::Unanswered(_)) {
                self.renew();
            }
            return false;
        };
        self.holds.set(OUTAGE);
        tracing::warn!(error = &cause as &dyn std::error::Error, "a database is away; waiting for it, nothing is lost");
        let since = Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            self.refresh_probes();
            if self.both_answer().await.is_ok() {
                break;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        tracing::info!(away_seconds = since.elapsed().as_secs(), "the databases answer again; going on");
        self.recoveries.fetch_add(1, Ordering::Relaxed);
        self.renew();
        self.holds.lift(OUTAGE);
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

    async fn both_answer(&self) -> Result<(), Error> {
        let both = async {
            let (database, source) = futures::join!(self.database_probe.ping(), self.source_probe.ping());
            database.map_err(Error::from).and(source.map_err(Error::from))
        };
        let answered = tokio::time::timeout(self.answer_within, both).await;
        answered.unwrap_or(Err(Error::Unanswered(self.answer_within)))
    }
}
