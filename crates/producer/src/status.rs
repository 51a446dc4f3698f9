mod screen;

use std::io::{self, IsTerminal};
use std::time::Duration;

use anyhow::Context;
use certferry_bootstrap::{Config, HintFrom, Shutdown, output};
use certferry_queue::Queue;
use certferry_store::{Database, Error, Pause, Summary};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::cli::Status;
use crate::connections;

/// How often `--watch` looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// How far the migration is: the document of `producer status --json`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Progress {
    #[serde(flatten)]
    summary: Summary,
    /// Whether workers were told not to claim.
    paused: bool,
    /// Since when, by whom and why.
    pause: Option<Pause>,
    /// Workers alive.
    workers: usize,
    worker_names: Vec<String>,
    /// Finished certificates a second, over the last minute.
    rate_per_second: f64,
    /// Until nothing is queued, at that rate; none when there is no rate to go by.
    eta_seconds: Option<f64>,
}

/// Says how far the migration is, once or every second.
pub(crate) async fn run(config: &Config, arguments: &Status, json: bool, shutdown: &Shutdown) -> anyhow::Result<()> {
    let connecting = async {
        let database = connections::ready_database(config).await?;
        anyhow::Ok(Looking {
            database,
            queue: connections::queue(config).await?,
            orphan_after: config.worker.orphan_after,
        })
    };
    let Some(looking) = shutdown.interrupting(connecting).await else { return Ok(()) };
    let looking = looking?;
    if arguments.watch {
        let form = if json {
            Form::Json
        } else if io::stdout().is_terminal() {
            Form::Screen
        } else {
            Form::Lines
        };
        return shutdown.interrupting(watch(config, &looking, form)).await.unwrap_or(Ok(()));
    }
    let Some(progress) = shutdown.interrupting(looking.once()).await else { return Ok(()) };
    let progress = progress?;
    if json {
        output::line(serde_json::to_string(&progress)?)?;
    } else {
        output::line(screen::whole(&progress, config.dates.timezone))?;
    }
    Ok(())
}

/// How `--watch` shows what it sees.
#[derive(Clone, Copy)]
enum Form {
    /// One screen, drawn over.
    Screen,
    /// A line each time.
    Lines,
    /// A document each time.
    Json,
}

/// Looks until it is interrupted. A database that is away is waited for.
async fn watch(config: &Config, looking: &Looking, form: Form) -> anyhow::Result<()> {
    let mut ticks = interval_at(Instant::now(), INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let progress = match looking.once().await {
            Ok(progress) => progress,
            Err(error) if is_outage(&error) => {
                tracing::warn!("{error:#}; looking again");
                continue;
            }
            Err(error) => return Err(error),
        };
        match form {
            Form::Screen => output::line(screen::redrawn(&progress, config.dates.timezone))?,
            Form::Lines => output::line(screen::line(&progress))?,
            Form::Json => output::line(serde_json::to_string(&progress)?)?,
        }
    }
}

fn is_outage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<Error>().is_some_and(Error::is_outage))
}

struct Looking {
    database: Database,
    queue: Queue,
    orphan_after: Duration,
}

impl Looking {
    async fn once(&self) -> anyhow::Result<Progress> {
        let mut snapshot = self.database.begin_snapshot().await?;
        let summary = certferry_store::summary(&mut snapshot).await.context("could not read the status")?;
        let rate = certferry_store::rate_per_second(&mut snapshot).await?;
        let pause = certferry_store::open_pause(&mut snapshot).await?;
        snapshot.rollback().await?;
        let workers = self.queue.workers_alive(self.orphan_after).await.hint_from(certferry_queue::Error::hint)?;
        Ok(Progress::new(summary, workers, rate).with_pause(pause))
    }
}

impl Progress {
    fn new(summary: Summary, worker_names: Vec<String>, rate_per_second: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
        let queued = summary.queued as f64;
        let eta_seconds = match queued {
            0.0 => Some(0.0),
            _ if rate_per_second > 0.0 => Some((queued / rate_per_second).round()),
            _ => None,
        };
        let workers = worker_names.len();
        Self { summary, paused: false, pause: None, workers, worker_names, rate_per_second, eta_seconds }
    }

    /// With the pause that is open; while it is, nobody can say how long the rest takes.
    fn with_pause(self, pause: Option<Pause>) -> Self {
        let paused = pause.is_some();
        let eta_seconds = self.eta_seconds.filter(|_| !paused || self.summary.queued == 0);
        Self { paused, pause, eta_seconds, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_needs_a_rate() {
        let eta = |queued, rate| {
            Progress::new(Summary { queued, migrated: 1, ..Summary::default() }, vec![], rate).eta_seconds
        };
        assert_eq!((eta(100, 50.0), eta(100, 0.0), eta(0, 0.0), eta(0, 3.0)), (Some(2.0), None, Some(0.0), Some(0.0)));
    }

    #[test]
    fn the_document_has_the_keys_of_the_contract() {
        let progress = Progress::new(Summary::default(), vec!["host-1-0000abcd".to_owned()], 0.0);
        let json = serde_json::to_value(&progress).expect("JSON");
        for key in [
            "total",
            "queued",
            "migrated",
            "failed",
            "skipped",
            "success_rate",
            "by_code",
            "last_failed",
            "late_results",
            "paused",
            "pause",
            "workers",
            "rate_per_second",
            "eta_seconds",
        ] {
            assert!(json.get(key).is_some(), "{key}");
        }
        assert_eq!((&json["workers"], &json["paused"], &json["last_failed"]), (&1.into(), &false.into(), &().into()));
    }
}
