//! How far a migration is, who works on it, and why nothing moves.

mod standstill;

use std::time::Duration;

use certferry_queue::{Queue, WorkerLease};
use certferry_store::{Cause, Database, Forecast, LastFailed, Pause, RateLimit, Run, Summary, Transaction};
use chrono_tz::Tz;
use serde::Serialize;

use crate::Error;
use standstill::Signs;

/// How many seconds each count of [`Dashboard::finished`] is of.
pub const STRETCH_SECONDS: u32 = 2;

/// Counts of [`Dashboard::finished`]: as many as the widest screen shows.
const STRETCHES: u16 = 200;

/// The most causes of failures that a dashboard has.
const CAUSES: u16 = 200;

/// The most failed certificates that a dashboard names.
const LATEST: u16 = 40;

/// A migration to be looked at. Looking changes nothing.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The destination's database.
    pub database: Database,
    /// The queue in it.
    pub queue: Queue,
    /// How long a worker's lease lasts without being renewed.
    pub orphan_after: Duration,
    /// In which zone times are told.
    pub timezone: Tz,
    /// The run that is looked at alone; none for all.
    pub run: Option<i64>,
}

/// How far the migration is: the document of `producer status --json`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Progress {
    /// The status table in figures.
    #[serde(flatten)]
    pub summary: Summary,
    /// Whether workers were told not to claim.
    pub paused: bool,
    /// Since when, by whom and why.
    pub pause: Option<Pause>,
    /// Workers alive.
    pub workers: usize,
    /// Their names.
    pub worker_names: Vec<String>,
    /// The leases of the workers, and what each has in hand; also of those that are dead and whose certificates were not taken
    /// over yet.
    pub leases: Vec<WorkerLease>,
    /// Finished certificates a second, over the last minute.
    pub rate_per_second: f64,
    /// Until nothing is queued, at that rate; none when there is no rate to go by, or nobody who works.
    pub eta_seconds: Option<f64>,
    /// The limit of the rate over all workers; none where there is none.
    pub limit: Option<RateLimit>,
    /// Why nothing moves although something is queued; none when it moves.
    pub waiting_because: Option<String>,
    /// What was foreseen last, and kept.
    pub forecast: Option<Forecast>,
    /// The run whose certificates these are; none for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
}

/// Everything that whoever watches a migration wants before their eyes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Dashboard {
    /// How far it is.
    #[serde(flatten)]
    pub progress: Progress,
    /// Certificates finished in each of the last stretches of [`STRETCH_SECONDS`], the oldest first.
    pub finished: Vec<u64>,
    /// Why certificates fail, the most frequent cause first.
    pub causes: Vec<Cause>,
    /// Some of those that failed last, the last one first.
    pub latest_failures: Vec<LastFailed>,
}

/// Looks how far the migration is; none where there is no such run.
pub async fn status(watched: &Watched) -> Result<Option<Progress>, Error> {
    let mut snapshot = watched.database.begin_snapshot().await?;
    let looked = look(watched, &mut snapshot).await?;
    snapshot.rollback().await?;
    match looked {
        Some(looked) => looked.with_workers(watched).await.map(Some),
        None => Ok(None),
    }
}

/// Looks at everything at once; none where there is no such run.
pub async fn dashboard(watched: &Watched) -> Result<Option<Dashboard>, Error> {
    let mut snapshot = watched.database.begin_snapshot().await?;
    let Some(looked) = look(watched, &mut snapshot).await? else { return Ok(None) };
    let finished = certferry_store::finished_lately(&mut snapshot, STRETCH_SECONDS, STRETCHES).await?;
    let causes = certferry_store::causes(&mut snapshot, watched.run, CAUSES).await?;
    let latest_failures = certferry_store::latest_failures(&mut snapshot, watched.run, None, LATEST).await?;
    snapshot.rollback().await?;
    let progress = looked.with_workers(watched).await?;
    Ok(Some(Dashboard { progress, finished, causes, latest_failures }))
}

/// Some of the certificates that failed last of one cause, the last one first.
pub async fn failures_of(watched: &Watched, cause: &Cause) -> Result<Vec<LastFailed>, Error> {
    let mut snapshot = watched.database.begin_snapshot().await?;
    let failures = certferry_store::latest_failures(&mut snapshot, watched.run, Some(cause), LATEST).await?;
    snapshot.rollback().await?;
    Ok(failures)
}

/// What the store says.
struct Looked {
    summary: Summary,
    rate: f64,
    pause: Option<Pause>,
    limit: Option<RateLimit>,
    forecast: Option<Forecast>,
    run: Option<Run>,
    is_read_only: bool,
    said: Option<String>,
}

async fn look(watched: &Watched, snapshot: &mut Transaction) -> Result<Option<Looked>, Error> {
    let run = match watched.run {
        None => None,
        Some(number) => match certferry_store::runs(snapshot, Some(number), 1).await?.pop() {
            None => return Ok(None),
            found => found,
        },
    };
    Ok(Some(Looked {
        summary: certferry_store::summary(snapshot, watched.run).await?,
        rate: certferry_store::rate_per_second(snapshot).await?,
        pause: certferry_store::open_pause(snapshot).await?,
        limit: certferry_store::rate_limit(snapshot).await?,
        forecast: certferry_store::forecast(snapshot).await?,
        run,
        is_read_only: certferry_store::is_read_only(snapshot).await?,
        said: certferry_store::waiting(snapshot).await?,
    }))
}

impl Looked {
    /// Adds what the queue says.
    async fn with_workers(self, watched: &Watched) -> Result<Progress, Error> {
        let leases = watched.queue.leases(watched.orphan_after).await?;
        let jobs = watched.queue.standstill().await?;
        let Self { limit, forecast, run, .. } = self;
        let progress = Progress { forecast, run, ..Progress::new(self.summary, leases, self.rate).with_limit(limit) };
        let signs = Signs { is_read_only: self.is_read_only, said: self.said, jobs };
        Ok(progress.with_pause(self.pause).with_reason(&signs, watched.timezone))
    }
}

impl Progress {
    fn new(summary: Summary, leases: Vec<WorkerLease>, rate_per_second: f64) -> Self {
        let alive = leases.iter().filter(|lease| lease.runs_out_in_seconds >= 0.0);
        let worker_names: Vec<String> = alive.map(|lease| lease.worker.clone()).collect();
        #[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
        let queued = summary.queued as f64;
        let eta_seconds = match queued {
            _ if worker_names.is_empty() => None,
            0.0 => Some(0.0),
            _ if rate_per_second > 0.0 => Some((queued / rate_per_second).round()),
            _ => None,
        };
        let workers = worker_names.len();
        Self { summary, workers, worker_names, leases, rate_per_second, eta_seconds, ..Self::default() }
    }

    /// With the limit of the rate: however fast it was within the last minute, it is no faster from now on.
    fn with_limit(self, limit: Option<RateLimit>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
        let longest = limit.as_ref().map(|limit| (self.summary.queued as f64 / limit.per_second).round());
        let eta_seconds = self.eta_seconds.map(|seconds| longest.map_or(seconds, |longest| seconds.max(longest)));
        Self { eta_seconds, limit, ..self }
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

    fn lease() -> WorkerLease {
        WorkerLease {
            worker: "host-1-0000abcd".to_owned(),
            seen_seconds_ago: 1.0,
            runs_out_in_seconds: 29.0,
            is_overdue: false,
            certificates: 0,
            claimed_seconds_ago: None,
        }
    }

    #[test]
    fn the_time_left_needs_a_rate_a_worker_and_no_pause() {
        let progress = |queued, workers: usize, rate| {
            let summary = Summary { queued, migrated: 1, ..Summary::default() };
            Progress::new(summary, vec![lease(); workers], rate)
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
        let progress = Progress::new(Summary::default(), vec![lease()], 0.0);
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
            "worker_names",
            "leases",
            "limit",
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
