use std::fmt;

use anyhow::{Context, anyhow};
use certferry_bootstrap::{Config, Hint, HintFrom, Progress, Shutdown};
use certferry_certificate::OldId;
use certferry_store::{Database, Error, Retry};
use serde::Serialize;

use crate::{cli, connections, interruption, missing};

/// Certificates a transaction.
const PAGE: i64 = 5_000;

/// What `producer retry` did; in a dry run, what it would have done.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Retried {
    selected: u64,
    enqueued: u64,
    /// Queued certificates whose jobs were missing, and are in the queue again.
    jobs_restored: u64,
    dry_run: bool,
    /// Whether it came to the end and was not interrupted.
    complete: bool,
    #[serde(skip)]
    state: &'static str,
}

impl fmt::Display for Retried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let enqueued = if self.dry_run { "would enqueue" } else { "enqueued" };
        write!(f, "selected {} {} certificates, {enqueued} {} again", self.selected, self.state, self.enqueued)?;
        missing::display(f, self.jobs_restored, self.dry_run)
    }
}

impl Retried {
    /// An error when it was interrupted, so that nobody takes the selection for enqueued.
    pub(crate) fn into_result(self) -> anyhow::Result<()> {
        if self.complete {
            return Ok(());
        }
        Err(anyhow!("interrupted before the end")).hint("run it again for the others; what is enqueued stays so")
    }
}

/// Queues failed (or skipped) certificates again.
pub(crate) async fn run(config: &Config, arguments: &cli::Retry, shutdown: &Shutdown) -> anyhow::Result<Retried> {
    let retry = filter(arguments)?;
    let connecting = connections::database_to_fill(config, "retry", arguments.dry_run);
    let connected = shutdown.interrupting(Box::pin(connecting)).await;
    let (database, at_work) = connected.context("interrupted; nothing was queued")??;
    let retried = again(config, arguments, &database, &retry, shutdown).await;
    connections::end_filling(at_work, shutdown).await;
    let result = retried?;
    // Closing would wait for a page that was dropped.
    if result.complete {
        database.close().await;
    }
    Ok(result)
}

async fn again(
    config: &Config,
    arguments: &cli::Retry,
    database: &Database,
    retry: &Retry,
    shutdown: &Shutdown,
) -> anyhow::Result<Retried> {
    // The source is not read here; the workers see to that.
    let participant = connections::participant(config, database, None, "");
    let agreeing = participant.agree_without_a_trace();
    shutdown.interrupting(Box::pin(agreeing)).await.context("interrupted; nothing was queued")??;
    let max_attempts = i32::try_from(config.worker.max_attempts)?;
    let jobs_restored = missing::restore(database, max_attempts, arguments.dry_run, shutdown).await?;
    let counting = certferry_store::count_requeueable(database, retry);
    let selected = shutdown.interrupting(counting).await.context("interrupted; nothing was queued")?;
    let selected = u64::try_from(selected.hint_from(Error::hint)?)?;
    let state = if retry.skipped { "skipped" } else { "failed" };
    let dry_run = arguments.dry_run;
    let mut result = Retried { selected, dry_run, complete: true, state, enqueued: 0, jobs_restored };
    if result.dry_run {
        result.enqueued = selected;
    } else {
        requeue_all(database, retry, max_attempts, &mut result, shutdown).await?;
    }
    Ok(result)
}

fn filter(arguments: &cli::Retry) -> anyhow::Result<Retry> {
    let cli::Retry { kind, code, ecu, id, skipped, .. } = arguments;
    if let (Some(kind), Some(code)) = (kind, code)
        && code.kind() != *kind
    {
        let (code, of, kind) = (code.as_str(), code.kind().as_str(), kind.as_str());
        return Err(anyhow!("no certificate can match: {code} is of kind {of}, not {kind}")).usage();
    }
    // Status rows hold ECU numbers trimmed.
    let ecu_numbers = ecu.iter().map(|ecu| ecu.trim().to_owned()).collect();
    Ok(Retry { skipped: *skipped, kind: *kind, code: *code, ecu_numbers, ids: id.clone() })
}

async fn requeue_all(
    database: &Database,
    retry: &Retry,
    max_attempts: i32,
    result: &mut Retried,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let progress = Progress::start("enqueueing certificates again", Some(result.selected));
    let mut from = Some(OldId(i64::MIN));
    while let Some(begin) = from {
        if shutdown.is_requested() {
            result.complete = false;
            return Ok(());
        }
        let page = requeue(database, retry, begin, max_attempts);
        // A page is a transaction: dropping it on the second signal leaves nothing half done.
        let Some(requeued) = interruption::finish(page, shutdown).await else {
            result.complete = false;
            return Ok(());
        };
        let requeued = requeued.with_context(|| format!("stopped: {result}"))?;
        result.enqueued += requeued.len() as u64;
        progress.advance(requeued.len() as u64);
        // Upwards only: a certificate that fails again meanwhile is not taken a second time.
        from = requeued.last().and_then(|last| last.0.checked_add(1)).map(OldId);
    }
    // Others may have failed, or been taken by another retry, since they were counted.
    result.selected = result.enqueued;
    progress.finish();
    Ok(())
}

/// One transaction: the status rows and exactly their jobs.
async fn requeue(database: &Database, retry: &Retry, from: OldId, max_attempts: i32) -> anyhow::Result<Vec<OldId>> {
    let mut transaction = database.begin().await?;
    let requeued = certferry_store::requeue(&mut transaction, retry, from, PAGE).await.hint_from(Error::hint)?;
    certferry_queue::push(&mut transaction, &requeued, max_attempts).await.hint_from(certferry_queue::Error::hint)?;
    transaction.commit().await?;
    Ok(requeued)
}
