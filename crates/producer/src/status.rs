mod screen;
mod standstill;

use std::io::{self, IsTerminal};
use std::time::Duration;

use anyhow::{Context, anyhow};
use certferry_bootstrap::{Config, Hint, HintFrom, Shutdown, output};
use certferry_queue::Queue;
use certferry_store::{Database, Error, Forecast, Pause, RateLimit, Run, Summary};
use chrono_tz::Tz;
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::cli::Status;
use crate::connections;
use crate::lock_wait::{is_lock_timeout, naming_the_holder};
use standstill::Signs;

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
    /// Until nothing is queued, at that rate; none when there is no rate to go by, or nobody who works.
    eta_seconds: Option<f64>,
    /// The limit of the rate over all workers; none where there is none.
    limit: Option<RateLimit>,
    /// Why nothing moves although something is queued; none when it moves.
    waiting_because: Option<String>,
    /// What `producer check --save` kept last.
    forecast: Option<Forecast>,
    /// The run whose certificates these are; none for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Run>,
}

/// Says how far the migration is, once or every second.
pub(crate) async fn run(config: &Config, arguments: &Status, json: bool, shutdown: &Shutdown) -> anyhow::Result<()> {
    let connecting = async {
        let looking = Looking {
            database: connections::impatient_database(config).await?,
            queue: connections::impatient_queue(config).await?,
            orphan_after: config.worker.orphan_after,
            timezone: config.dates.timezone,
            run: arguments.run,
        };
        anyhow::Ok(looking)
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
    let Some(progress) = shutdown.interrupting(looking.first()).await else { return Ok(()) };
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

/// Looks until it is interrupted. A database that is away and a lock that somebody else holds are waited for.
async fn watch(config: &Config, looking: &Looking, form: Form) -> anyhow::Result<()> {
    let mut ticks = interval_at(Instant::now(), INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_first = true;
    loop {
        ticks.tick().await;
        let looked = if is_first { looking.first().await } else { looking.again().await };
        let progress = match looked {
            Ok(progress) => progress,
            Err(error) if is_outage(&error) && !is_first || is_lock_timeout(&error) => {
                tracing::warn!("{error:#}; looking again");
                continue;
            }
            Err(error) => return Err(error),
        };
        is_first = false;
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
    timezone: Tz,
    /// The run that is looked at alone.
    run: Option<i64>,
}

impl Looking {
    /// Looks, after having made sure that there is something to look at.
    async fn first(&self) -> anyhow::Result<Progress> {
        let looking = async {
            certferry_store::ensure_ready(&self.database).await.hint_from(Error::hint)?;
            self.look().await
        };
        naming_the_holder(&self.database, Box::pin(looking)).await
    }

    async fn again(&self) -> anyhow::Result<Progress> {
        naming_the_holder(&self.database, Box::pin(self.look())).await
    }

    async fn look(&self) -> anyhow::Result<Progress> {
        let mut snapshot = self.database.begin_snapshot().await?;
        let summary = certferry_store::summary(&mut snapshot, self.run).await.context("could not read the status")?;
        let rate = certferry_store::rate_per_second(&mut snapshot).await?;
        let pause = certferry_store::open_pause(&mut snapshot).await?;
        let is_read_only = certferry_store::is_read_only(&mut snapshot).await?;
        let said = certferry_store::waiting(&mut snapshot).await?;
        let limit = certferry_store::rate_limit(&mut snapshot).await?;
        let run = match self.run {
            Some(number) => {
                let run = certferry_store::runs(&mut snapshot, Some(number), 1).await?.pop();
                let run = run.ok_or_else(|| anyhow!("there is no run {number}"));
                Some(run.hint("`producer runs` lists them")?)
            }
            None => None,
        };
        let forecast = certferry_store::forecast(&mut snapshot).await?;
        snapshot.rollback().await?;
        let workers = self.queue.workers_alive(self.orphan_after).await.hint_from(certferry_queue::Error::hint)?;
        let jobs = self.queue.standstill().await.hint_from(certferry_queue::Error::hint)?;
        let progress = Progress { limit, forecast, run, ..Progress::new(summary, workers, rate).with_pause(pause) };
        Ok(progress.with_reason(&Signs { is_read_only, said, jobs }, self.timezone))
    }
}

impl Progress {
    fn new(summary: Summary, worker_names: Vec<String>, rate_per_second: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
        let queued = summary.queued as f64;
        let eta_seconds = match queued {
            _ if worker_names.is_empty() => None,
            0.0 => Some(0.0),
            _ if rate_per_second > 0.0 => Some((queued / rate_per_second).round()),
            _ => None,
        };
        let workers = worker_names.len();
        Self { summary, workers, worker_names, rate_per_second, eta_seconds, ..Self::default() }
    }

    /// With the pause that is open; while it is, nobody can say how long the rest takes.
    fn with_pause(self, pause: Option<Pause>) -> Self {
        let paused = pause.is_some();
        let eta_seconds = self.eta_seconds.filter(|_| !paused);
        Self { paused, pause, eta_seconds, ..self }
    }

    /// With the reason for which nothing moves, if nothing does; then nobody can say how long the rest takes.
    fn with_reason(self, signs: &Signs, timezone: Tz) -> Self {
        let waiting_because = standstill::reason(&self, signs, timezone);
        let eta_seconds = self.eta_seconds.filter(|_| waiting_because.is_none());
        Self { eta_seconds, waiting_because, ..self }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn the_time_left_needs_a_rate_a_worker_and_no_pause() {
        let progress = |queued, workers: usize, rate| {
            let summary = Summary { queued, migrated: 1, ..Summary::default() };
            Progress::new(summary, vec!["host-1-0000abcd".to_owned(); workers], rate)
        };
        for (queued, workers, rate, expected) in [
            (100, 1, 50.0, Some(2.0)),
            (100, 1, 0.0, None),
            (0, 1, 0.0, Some(0.0)),
            (0, 1, 3.0, Some(0.0)),
            (100, 0, 50.0, None),
            (0, 0, 0.0, None),
        ] {
            assert_eq!(progress(queued, workers, rate).eta_seconds, expected, "{queued} {workers} {rate}");
            let pause = Pause { at: DateTime::UNIX_EPOCH, by: "someone".to_owned(), reason: None };
            assert_eq!(progress(queued, workers, rate).with_pause(Some(pause)).eta_seconds, None);
        }
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
            "waiting_because",
            "forecast",
        ] {
            assert!(json.get(key).is_some(), "{key}");
        }
        assert_eq!((&json["workers"], &json["paused"], &json["last_failed"]), (&1.into(), &false.into(), &().into()));
    }
}
