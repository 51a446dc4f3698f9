//! Waiting for a database that is away. Nothing is claimed meanwhile, and nothing is charged to a certificate.

use std::time::Duration;

use certferry_source::Source;
use certferry_store::Database;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use crate::error::Error;

/// The longest pause between looks at a database that is away: work resumes within this of its return.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One waits, the others queue behind it.
#[derive(Debug)]
pub(crate) struct Outage {
    watching: Mutex<()>,
    may_claim: watch::Sender<bool>,
    answer_within: Duration,
}

impl Outage {
    pub(crate) fn new(may_claim: watch::Sender<bool>, answer_within: Duration) -> Self {
        Self { watching: Mutex::new(()), may_claim, answer_within }
    }

    /// Returns when both databases answer; at once, and false, when they did all along.
    pub(crate) async fn wait(&self, source: &Source, database: &Database, cause: &Error) -> bool {
        let _one_at_a_time = self.watching.lock().await;
        if self.both_answer(source, database).await {
            return false;
        }
        self.may_claim.send_replace(false);
        tracing::warn!(error = cause as &dyn std::error::Error, "a database is away; waiting for it, nothing is lost");
        let since = Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            if self.both_answer(source, database).await {
                break;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        tracing::info!(away_seconds = since.elapsed().as_secs(), "the databases answer again; going on");
        self.may_claim.send_replace(true);
        true
    }

    async fn both_answer(&self, source: &Source, database: &Database) -> bool {
        let both = async { futures::join!(database.ping(), source.ping()) };
        matches!(tokio::time::timeout(self.answer_within, both).await, Ok((Ok(()), Ok(()))))
    }
}
