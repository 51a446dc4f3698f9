//! Steering while it runs: an operator's pause, and the circuit breaker, which pauses the run itself when something is
//! wrong with more than single certificates.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use certferry_bootstrap::config::BreakerConfig;
use certferry_certificate::Code;
use certferry_queue::Holds;
use certferry_store::{Database, RecentBatches};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::Error;
use crate::tally::Counts;

/// The reason for which nothing is claimed.
const PAUSED: &str = "paused";

/// How often to look: workers stop claiming within a second.
const INTERVAL: Duration = Duration::from_millis(400);

/// The longest pause between looks when looking fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often batches are forgotten that are of no more use.
const FORGET_EVERY: Duration = Duration::from_secs(30);

/// Holds the worker while the run is paused, and pauses it when the last batches of all workers give reason to.
#[derive(Debug)]
pub(crate) struct Breaker {
    database: Database,
    config: BreakerConfig,
    holds: Holds,
    was_paused: AtomicBool,
    /// How many certificates a second all workers may take up, as it was seen last; none where that is not limited.
    limit: watch::Sender<Option<f64>>,
}

/// What a look at the controls found.
struct Controls {
    is_paused: bool,
    limit: Option<f64>,
}

impl Breaker {
    /// Claims nothing until it has looked for a pause once.
    pub(crate) fn new(database: Database, config: BreakerConfig, holds: Holds) -> Self {
        holds.set(PAUSED);
        Self { database, config, holds, was_paused: AtomicBool::default(), limit: watch::channel(None).0 }
    }

    /// The limit of the rate, as it is seen from now on.
    pub(crate) fn limit(&self) -> watch::Receiver<Option<f64>> {
        self.limit.subscribe()
    }

    /// Looks for as long as it is polled. `worker` is who pauses the run when there is reason to.
    pub(crate) async fn watch(&self, worker: &str) {
        let mut forgotten = Instant::now();
        let mut pause = INTERVAL;
        loop {
            let looked = self.look(worker).await;
            if forgotten.elapsed() > FORGET_EVERY {
                forgotten = Instant::now();
                let kept = self.config.window.max(self.config.consecutive);
                let forgetting = Box::pin(certferry_store::forget_batches(&self.database, kept));
                if let Some(Err(error)) = self.database.until_renewed(forgetting).await {
                    tracing::debug!(error = &error as &dyn std::error::Error, "old batches stay for now");
                }
            }
            pause = if looked { INTERVAL } else { (pause * 2).min(LONGEST_PAUSE) };
            tokio::time::sleep(pause).await;
        }
    }

    /// Looks whether the run is paused or should be, and holds the worker or lets it go on. Returns whether it could look.
    async fn look(&self, worker: &str) -> bool {
        match self.database.until_renewed(Box::pin(self.controls(worker))).await {
            Some(Ok(Controls { is_paused: paused, limit })) => {
                let is_news = self.limit.send_if_modified(|known| std::mem::replace(known, limit) != limit);
                match limit.filter(|_| is_news) {
                    Some(per_second) => tracing::info!(per_second, "the rate of all workers together is limited"),
                    None if is_news => tracing::info!("the rate is not limited any more"),
                    None => {}
                }
                if paused {
                    self.holds.set(PAUSED);
                } else {
                    self.holds.lift(PAUSED);
                }
                if self.was_paused.swap(paused, Ordering::Relaxed) != paused {
                    let text = if paused {
                        "the run is paused; nothing is claimed until it is resumed"
                    } else {
                        "the run goes on"
                    };
                    tracing::info!("{text}");
                }
                true
            }
            Some(Err(error)) => {
                self.database.refresh();
                tracing::debug!(error = &error as &dyn std::error::Error, "could not look whether the run is paused");
                false
            }
            None => true,
        }
    }

    /// Looks at once after a batch of which too much failed; nothing is claimed in its place before.
    pub(crate) async fn judge(&self, worker: &str, counts: &Counts) {
        #[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
        let (failed, all) = (counts.failed() as f64, (counts.failed() + counts.migrated) as f64);
        if failed > self.config.failure_rate * all {
            self.look(worker).await;
        }
    }

    /// A batch met an error of infrastructure while both databases answered.
    pub(crate) async fn note_infrastructure_error(&self, worker: &str, code: Code) {
        let noting = Box::pin(certferry_store::note_infrastructure_error(&self.database, worker, code));
        if let Some(Err(error)) = self.database.until_renewed(noting).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "an error of infrastructure is not counted");
        }
        self.look(worker).await;
    }

    async fn controls(&self, worker: &str) -> Result<Controls, Error> {
        let mut snapshot = self.database.begin_snapshot().await?;
        let open = certferry_store::open_pause(&mut snapshot).await?;
        let limit = certferry_store::rate_limit(&mut snapshot).await?.map(|limit| limit.per_second);
        let recent = match open {
            Some(_) => RecentBatches::default(),
            None => certferry_store::recent_batches(&mut snapshot, self.config.window, self.config.consecutive).await?,
        };
        snapshot.commit().await?;
        let Some(reason) = reason_to_pause(&self.config, &recent) else {
            return Ok(Controls { is_paused: open.is_some(), limit });
        };
        let by = format!("the circuit breaker of worker {worker}");
        if certferry_store::pause(&self.database, &by, Some(&reason)).await? {
            tracing::error!(reason, "the circuit breaker paused the run for all workers");
        }
        Ok(Controls { is_paused: true, limit })
    }
}

/// Why the run should not go on, for a person.
fn reason_to_pause(config: &BreakerConfig, recent: &RecentBatches) -> Option<String> {
    if recent.infrastructure_errors >= i64::from(config.consecutive) {
        let (batches, code) =
            (recent.infrastructure_errors, recent.infrastructure_error.as_deref().unwrap_or("unknown"));
        return Some(format!(
            "the last {batches} batches met errors of infrastructure ({code}), breaker.consecutive allows fewer than \
             {}; look at the workers' log and the servers, then use `producer resume`",
            config.consecutive
        ));
    }
    let code = recent.code.as_deref()?;
    #[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
    let (failed, certificates) = (recent.failed as f64, recent.certificates as f64);
    (recent.certificates >= i64::from(config.window) && failed > config.failure_rate * certificates).then(|| {
        format!(
            "{} of the last {} certificates failed with {code}, breaker.failure_rate allows {}; mend the cause, then use \
             `producer retry --code {code}` and `producer resume`",
            recent.failed, recent.certificates, config.failure_rate
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: BreakerConfig = BreakerConfig { failure_rate: 0.5, window: 100, consecutive: 3 };

    fn reason(certificates: i64, failed: i64, infrastructure_errors: i64) -> Option<String> {
        let recent = RecentBatches {
            certificates,
            failed,
            code: (failed > 0).then(|| "missing_device".to_owned()),
            infrastructure_errors,
            infrastructure_error: (infrastructure_errors > 0).then(|| "timeout".to_owned()),
        };
        reason_to_pause(&CONFIG, &recent)
    }

    #[test]
    fn more_than_the_rate_of_a_full_window_pauses() {
        assert_eq!(reason(0, 0, 0), None);
        assert_eq!(reason(99, 99, 0), None, "the window is not full yet");
        assert_eq!(reason(100, 50, 0), None, "half is allowed");
        assert!(
            reason(100, 51, 0)
                .unwrap_or_default()
                .starts_with("51 of the last 100 certificates failed with missing_device")
        );
        assert_eq!(reason(400, 200, 0), None, "a batch larger than the window is judged whole");
        assert!(reason(400, 201, 0).is_some());
    }

    #[test]
    fn so_many_batches_in_a_row_pause() {
        assert_eq!(reason(0, 0, 2), None);
        assert!(reason(0, 0, 3).unwrap_or_default().contains("(timeout)"));
    }
}
