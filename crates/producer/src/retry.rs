use std::fmt;

use anyhow::Context;
use certferry_bootstrap::{Config, HintFrom, Shutdown};
use certferry_certificate::State;
use certferry_operations::{Eligible, Error, operator};
use certferry_store::Database;
use serde::Serialize;
use serde_json::json;

use crate::page_by_page::{PageByPage, interrupted, left_alone};
use crate::{cli, connections, interruption, missing, workbook_ids};

/// What `producer retry` did; in a dry run, what it would have done.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Retried {
    /// The run that it was; none in a dry run.
    run: Option<i64>,
    selected: u64,
    enqueued: u64,
    /// Queued certificates whose jobs were missing, and are in the queue again.
    jobs_restored: u64,
    dry_run: bool,
    /// Whether it came to the end and was not interrupted.
    complete: bool,
    /// What a dry run found.
    #[serde(flatten)]
    eligible: Option<Eligible>,
    #[serde(skip)]
    states: String,
}

impl fmt::Display for Retried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let enqueued = if self.dry_run { "would enqueue" } else { "enqueued" };
        write!(f, "selected {} {} certificates, {enqueued} {} again", self.selected, self.states, self.enqueued)?;
        missing::display(f, self.jobs_restored, self.dry_run)?;
        self.eligible.as_ref().map_or(Ok(()), |eligible| left_alone(eligible, f))
    }
}

impl Retried {
    pub(crate) fn into_result(self) -> anyhow::Result<()> {
        if self.complete { Ok(()) } else { interrupted() }
    }
}

/// Queues failed certificates again, or skipped or reverted ones.
pub(crate) async fn run(config: &Config, arguments: &cli::Retry, shutdown: &Shutdown) -> anyhow::Result<Retried> {
    let retry = retry(config, arguments)?;
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

fn retry(config: &Config, arguments: &cli::Retry) -> anyhow::Result<certferry_operations::Retry> {
    let mut filter = arguments.filter.filter()?;
    if let Some(path) = &arguments.from {
        filter.ids = Some(workbook_ids::read(path)?);
    }
    let mut states: Vec<State> = [(arguments.skipped, State::Skipped), (arguments.reverted, State::Reverted)]
        .into_iter()
        .filter_map(|(is_asked, state)| is_asked.then_some(state))
        .collect();
    if states.is_empty() {
        // A state that is asked for by name is as good as the flag.
        let named = filter.states.iter().copied();
        states = named.filter(|state| matches!(state, State::Failed | State::Skipped | State::Reverted)).collect();
        if filter.states.is_empty() {
            states = vec![State::Failed];
        }
    } else {
        filter.states.clone_from(&states);
    }
    let mut described = serde_json::to_value(&filter)?;
    if let Some(file) = &arguments.filter.ids_file {
        // The file's ids would be a second copy of the status table.
        described["ids"] = json!(arguments.filter.id);
        described["ids_file"] = json!(file.display().to_string());
    }
    if let Some(path) = &arguments.from {
        described["ids"] = json!([]);
        described["from"] = json!(path.display().to_string());
    }
    let max_attempts = i32::try_from(config.worker.max_attempts)?;
    Ok(certferry_operations::Retry { filter, states, described, max_attempts })
}

async fn again(
    config: &Config,
    arguments: &cli::Retry,
    database: &Database,
    retry: &certferry_operations::Retry,
    shutdown: &Shutdown,
) -> anyhow::Result<Retried> {
    // The source is not read here; the workers see to that.
    let participant = connections::participant(config, database, None, "");
    let agreeing = participant.agree_without_a_trace();
    shutdown.interrupting(Box::pin(agreeing)).await.context("interrupted; nothing was queued")??;
    let dry_run = arguments.dry_run;
    let jobs_restored = missing::restore(database, retry.max_attempts, dry_run, shutdown).await?;
    let states: Vec<&str> = retry.states.iter().map(|state| state.as_str()).collect();
    let mut result = Retried { dry_run, jobs_restored, states: states.join(" and "), ..Retried::default() };
    if dry_run {
        let looking = retry.eligible(database);
        let eligible = shutdown.interrupting(Box::pin(looking)).await.context("interrupted; nothing was queued")?;
        let eligible = eligible.hint_from(Error::hint)?;
        (result.selected, result.enqueued, result.complete) = (eligible.selected, eligible.selected, true);
        result.eligible = Some(eligible);
        return Ok(result);
    }
    let (by, page_by_page) = (operator(), PageByPage::new("enqueueing certificates again", shutdown));
    // A page is a transaction: dropping it on the second signal leaves nothing half done.
    let executing = interruption::finish(Box::pin(retry.execute(database, &by, &page_by_page)), shutdown).await;
    if let Some(retried) = executing {
        let retried = retried.hint_from(Error::hint)?;
        (result.run, result.complete) = (Some(retried.run), retried.complete);
        (result.selected, result.enqueued) = (retried.enqueued, retried.enqueued);
        page_by_page.finish();
    }
    Ok(result)
}
