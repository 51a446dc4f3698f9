//! `producer skip` and `producer cancel`.

use std::fmt;

use anyhow::{Context, anyhow};
use certferry_bootstrap::{Config, Hint, HintFrom, Shutdown};
use certferry_certificate::State;
use certferry_operations::{Eligible, Error, Skip, operator};
use certferry_source::Selection;
use certferry_store::Database;
use serde::Serialize;

use crate::page_by_page::{PageByPage, interrupted, left_alone};
use crate::{cli, connections, interruption};

/// What was set aside; in a dry run, what would have been.
#[derive(Debug, Default, Serialize)]
#[expect(clippy::struct_field_names, reason = "the fields are the keys of the JSON document")]
pub(crate) struct Skipped {
    selected: u64,
    skipped: u64,
    dry_run: bool,
    /// Whether it came to the end and was not interrupted.
    complete: bool,
    /// What a dry run found.
    #[serde(flatten)]
    eligible: Option<Eligible>,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped = if self.dry_run { "would skip" } else { "skipped" };
        write!(f, "selected {}, {skipped} {}", self.selected, self.skipped)?;
        self.eligible.as_ref().map_or(Ok(()), |eligible| left_alone(eligible, f))
    }
}

impl Skipped {
    pub(crate) fn into_result(self) -> anyhow::Result<()> {
        if self.complete { Ok(()) } else { interrupted() }
    }
}

/// Sets queued and failed certificates aside.
pub(crate) async fn run(config: &Config, arguments: &cli::Skip, shutdown: &Shutdown) -> anyhow::Result<Skipped> {
    let mut filter = arguments.filter.filter()?;
    if filter == certferry_certificate::Filter::default() {
        return Err(anyhow!("nothing says which certificates to skip"))
            .hint("name them, for instance with --code, --id or --run; `--state queued` is all that are queued")
            .usage();
    }
    let work = async {
        let database = connections::steering_database(config).await?;
        if !filter.ecu_numbers.is_empty() {
            // The status row of a certificate that was never tried does not know its ECU number: the source does.
            let of_devices = ids_of_devices(config, &filter.ecu_numbers, shutdown).await?;
            let ids = match filter.ids.take() {
                Some(ids) => ids.into_iter().filter(|id| of_devices.binary_search(id).is_ok()).collect(),
                None => of_devices,
            };
            filter.ids = Some(ids);
            filter.ecu_numbers.clear();
        }
        anyhow::Ok(database)
    };
    let connected = shutdown.interrupting(Box::pin(work)).await;
    let database = connected.context("interrupted; nothing was skipped")??;
    let skip = Skip { filter, states: vec![State::Queued, State::Failed], reason: arguments.reason.clone() };
    set_aside(&database, &skip, arguments.dry_run, shutdown).await
}

/// Sets aside what is still queued of a run.
pub(crate) async fn cancel(config: &Config, arguments: &cli::Cancel, shutdown: &Shutdown) -> anyhow::Result<Skipped> {
    let cancelling = async {
        let database = connections::steering_database(config).await?;
        let is_there = if arguments.dry_run {
            let mut snapshot = database.begin_snapshot().await?;
            let runs = certferry_store::runs(&mut snapshot, Some(arguments.run), 1).await?;
            snapshot.rollback().await?;
            !runs.is_empty()
        } else {
            certferry_operations::cancel(&database, arguments.run, &operator()).await.hint_from(Error::hint)?
        };
        if !is_there {
            return Err(anyhow!("there is no run {}", arguments.run)).hint("`producer runs` lists them");
        }
        Ok(database)
    };
    let database = shutdown.interrupting(Box::pin(cancelling)).await.context("interrupted; nothing was skipped")??;
    set_aside(&database, &certferry_operations::cancellation(arguments.run), arguments.dry_run, shutdown).await
}

async fn set_aside(database: &Database, skip: &Skip, dry_run: bool, shutdown: &Shutdown) -> anyhow::Result<Skipped> {
    let mut result = Skipped { dry_run, ..Skipped::default() };
    if dry_run {
        let looking = skip.eligible(database);
        let eligible = shutdown.interrupting(Box::pin(looking)).await.context("interrupted; nothing was skipped")?;
        let eligible = eligible.hint_from(Error::hint)?;
        (result.selected, result.skipped, result.complete) = (eligible.selected, eligible.selected, true);
        result.eligible = Some(eligible);
        return Ok(result);
    }
    let (by, page_by_page) = (operator(), PageByPage::new("skipping certificates", shutdown));
    // A page is a transaction: dropping it on the second signal leaves nothing half done.
    let executing = interruption::finish(Box::pin(skip.execute(database, &by, &page_by_page)), shutdown).await;
    if let Some(skipped) = executing {
        let skipped = skipped.hint_from(Error::hint)?;
        (result.selected, result.skipped, result.complete) = (skipped.skipped, skipped.skipped, skipped.complete);
        page_by_page.finish();
        database.close().await;
    }
    Ok(result)
}

/// The certificates that the source has of these devices, by id.
async fn ids_of_devices(
    config: &Config,
    ecu_numbers: &[String],
    shutdown: &Shutdown,
) -> anyhow::Result<Vec<certferry_certificate::OldId>> {
    let source = connections::source(config).await?;
    let selection = Selection::all().with_ecu_numbers(ecu_numbers);
    let (mut ids, mut after) = (Vec::new(), None);
    while !shutdown.is_requested() {
        let page = source.ids_page(after, config.source.page_size, &selection).await;
        let page = page.hint_from(certferry_source::Error::hint)?;
        ids.extend(page.ids);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    source.close().await;
    Ok(ids)
}
