//! The limit of the rate: all workers together take up so many certificates a second. Each takes tokens from one bucket in the
//! database before it claims.

use std::time::Duration;

use certferry_queue::Allowance;
use certferry_store::Database;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;

/// How long to wait for tokens where the bucket is empty: for what comes in a twentieth of a second, or for one token, so that
/// batches are neither tiny nor late.
const A_WHILE: f64 = 0.05;

/// The longest wait before the bucket is looked at again.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The limit as one worker keeps it.
#[derive(Debug)]
pub(crate) struct Limit {
    database: Database,
    /// The limit in force; none where there is none, and nothing is asked of the database.
    rate: watch::Receiver<Option<f64>>,
}

impl Limit {
    pub(crate) fn new(database: Database, rate: watch::Receiver<Option<f64>>) -> Self {
        Self { database, rate }
    }

    async fn tokens(&self, most: u32) -> u32 {
        let mut rate = self.rate.clone();
        let waiting = async {
            loop {
                let Some(per_second) = *rate.borrow_and_update() else { return most };
                let taking = Box::pin(certferry_store::take_tokens(&self.database, most));
                let wait = match self.database.until_renewed(taking).await {
                    Some(Ok(None)) => return most,
                    Some(Ok(Some(taken))) if taken.tokens > 0 => return taken.tokens,
                    Some(Ok(Some(taken))) => wait_for_tokens(taken.per_second),
                    Some(Err(error)) => {
                        self.database.refresh();
                        tracing::debug!(
                            error = &error as &dyn std::error::Error,
                            "could not ask how much may be claimed"
                        );
                        LONGEST_WAIT
                    }
                    None => wait_for_tokens(per_second),
                };
                // Ends early where the limit changes; whoever tells of it lives as long as the worker.
                tokio::time::timeout(wait, rate.changed()).await.ok();
            }
        };
        // A worker that drains looks meanwhile whether anything is left at all.
        tokio::time::timeout(LONGEST_WAIT, waiting).await.unwrap_or(0)
    }
}

impl Allowance for Limit {
    fn take(&self, most: u32) -> BoxFuture<'_, u32> {
        self.tokens(most).boxed()
    }

    fn give_back(&self, jobs: u32) -> BoxFuture<'_, ()> {
        async move {
            if jobs == 0 || self.rate.borrow().is_none() {
                return;
            }
            let giving = Box::pin(certferry_store::give_tokens_back(&self.database, jobs));
            if let Some(Err(error)) = self.database.until_renewed(giving).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "tokens are lost; the rate is lower for a moment"
                );
            }
        }
        .boxed()
    }
}

/// How long it takes until there are tokens worth taking.
fn wait_for_tokens(per_second: f64) -> Duration {
    let tokens = (per_second * A_WHILE).max(1.0);
    Duration::try_from_secs_f64(tokens / per_second).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_short_at_any_rate() {
        for (per_second, milliseconds) in [(0.001, 1000), (1.0, 1000), (10.0, 100), (500.0, 50), (1e6, 50)] {
            assert_eq!(wait_for_tokens(per_second).as_millis(), milliseconds, "{per_second}");
        }
    }
}
