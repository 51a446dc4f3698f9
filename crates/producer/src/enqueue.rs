//! `producer enqueue`: the arguments as a request, and what came of it in words.

use std::fmt;

use anyhow::{Context, anyhow};
use certferry_bootstrap::exit::Attention;
use certferry_bootstrap::{Config, Hint, HintFrom, Shutdown, read_ids};
use certferry_certificate::OldId;
use certferry_operations::{Error, operator};
use certferry_source::{Selection, Source, Unaddressable};
use certferry_store::Database;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::page_by_page::PageByPage;
use crate::{cli, connections, missing};

/// What `producer enqueue` did; in a dry run, what it would have done.
#[derive(Debug, Default, Serialize)]
#[expect(clippy::struct_field_names, reason = "the fields are the keys of the JSON document")]
pub(crate) struct Enqueued {
    /// The run that it was; none in a dry run.
    run: Option<i64>,
    /// Certificates of the source that were looked at: the sum of the next two.
    selected: u64,
    enqueued: u64,
    already_known: u64,
    /// Rows of the source that cannot be told apart by their id, and so were not looked at.
    unaddressable: u64,
    /// The first hundred of those, in words.
    unaddressable_named: Vec<String>,
    /// Queued certificates whose jobs were missing, and are in the queue again.
    jobs_restored: u64,
    /// Ids that were named and that the source does not have, or not with one of the ECU numbers.
    not_in_source: Vec<OldId>,
    dry_run: bool,
    /// Whether it came to the end of the selection or the limit, and was not interrupted.
    complete: bool,
    #[serde(skip)]
    found: Unaddressable,
}

impl fmt::Display for Enqueued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let enqueued = if self.dry_run { "would enqueue" } else { "enqueued" };
        write!(f, "selected {}, {enqueued} {}, already known {}", self.selected, self.enqueued, self.already_known)?;
        if self.unaddressable > 0 {
            write!(f, ", unaddressable {}", self.unaddressable)?;
        }
        if !self.not_in_source.is_empty() {
            write!(f, ", not in the source {}", self.not_in_source.len())?;
        }
        missing::display(f, self.jobs_restored, self.dry_run)
    }
}

impl Enqueued {
    fn new(enqueued: certferry_operations::Enqueued, jobs_restored: u64, dry_run: bool) -> Self {
        Self {
            run: enqueued.run,
            selected: enqueued.selected,
            enqueued: enqueued.enqueued,
            already_known: enqueued.already_known,
            unaddressable: enqueued.unaddressable.rows(),
            unaddressable_named: enqueued.unaddressable.named.clone(),
            jobs_restored,
            not_in_source: enqueued.not_in_source,
            dry_run,
            complete: enqueued.complete,
            found: enqueued.unaddressable,
        }
    }

    /// An error when it was interrupted, so that nobody takes the selection for enqueued; and when rows were found that
    /// cannot be addressed.
    pub(crate) fn into_result(self) -> anyhow::Result<()> {
        if !self.complete {
            return Err(anyhow!("interrupted before the end"))
                .hint("run it again to enqueue the others; what is enqueued stays so");
        }
        if self.unaddressable == 0 {
            return Ok(());
        }
        let rows = if self.unaddressable == 1 { "row of the source was" } else { "rows of the source were" };
        Err(Attention(format!("{} {rows} left out, as nothing tells them apart: {}", self.unaddressable, self.found)))
            .hint("give each row an id of its own, a whole number within bigint, and run it again; all others are enqueued")
    }
}

/// Queues the certificates that were never queued before.
pub(crate) async fn run(config: &Config, arguments: &cli::Enqueue, shutdown: &Shutdown) -> anyhow::Result<Enqueued> {
    let enqueue = request(config, arguments)?;
    let connecting = async {
        let database = connections::database_to_fill(config, "enqueue", arguments.dry_run);
        tokio::join!(Box::pin(database), Box::pin(connections::source(config)))
    };
    let connected = shutdown.interrupting(connecting).await.context("interrupted; nothing was queued")?;
    let ((database, at_work), source) = (connected.0?, connected.1);
    let enqueued = match source {
        Ok(source) => Box::pin(enqueue_from(config, &enqueue, arguments.dry_run, &database, source, shutdown)).await,
        Err(error) => Err(error),
    };
    connections::end_filling(at_work, shutdown).await;
    let result = enqueued?;
    // Closing would wait for a page that was dropped.
    if result.complete {
        database.close().await;
    }
    Ok(result)
}

async fn enqueue_from(
    config: &Config,
    enqueue: &certferry_operations::Enqueue,
    dry_run: bool,
    database: &Database,
    source: Source,
    shutdown: &Shutdown,
) -> anyhow::Result<Enqueued> {
    let by = operator();
    let name = format!("producer enqueue of {by}");
    let participant = connections::participant(config, database, Some(&source), &name);
    let agreeing =
        async { if dry_run { participant.agree_without_a_trace().await } else { participant.agree().await } };
    shutdown.interrupting(Box::pin(agreeing)).await.context("interrupted; nothing was queued")??;
    // Before anything is queued: of what this command queues no job is missing.
    let restored = missing::restore(database, enqueue.max_attempts, dry_run, shutdown).await?;
    let what = if dry_run { "looking through certificates" } else { "enqueueing certificates" };
    let page_by_page = PageByPage::counted_first(what, shutdown);
    let enqueued = if dry_run {
        Box::pin(enqueue.look(database, &source, &page_by_page)).await
    } else {
        Box::pin(enqueue.execute(database, &source, &by, &page_by_page)).await
    };
    let enqueued = enqueued.or_else(|error| explained(error, restored, dry_run))?;
    if !dry_run {
        enqueued.run.context("interrupted; nothing was queued")?;
    }
    if enqueued.complete {
        source.close().await;
    }
    Ok(Enqueued::new(enqueued, restored, dry_run))
}

/// The error in words, with what had been done.
fn explained<T>(error: Error, jobs_restored: u64, dry_run: bool) -> anyhow::Result<T> {
    let Error::Stopped { so_far, why } = error else { return Err(error).hint_from(Error::hint) };
    let stopped = match *why {
        Error::RowsDiffer { passes, .. } => format!("stopped after reading it {passes} times"),
        _ => "stopped".to_owned(),
    };
    let so_far = Enqueued::new(*so_far, jobs_restored, dry_run);
    Err(*why).hint_from(Error::hint).with_context(|| format!("{stopped}: {so_far}"))
}

/// What the arguments ask for.
fn request(config: &Config, arguments: &cli::Enqueue) -> anyhow::Result<certferry_operations::Enqueue> {
    Ok(certferry_operations::Enqueue {
        selection: selection(arguments)?,
        limit: arguments.limit,
        page_size: config.source.page_size,
        described: described(arguments),
        max_attempts: i32::try_from(config.worker.max_attempts)?,
    })
}

fn selection(arguments: &cli::Enqueue) -> anyhow::Result<Selection> {
    let mut selection = Selection::all();
    if !arguments.id.is_empty() || arguments.ids_file.is_some() {
        let mut ids: Vec<OldId> = arguments.id.iter().copied().map(OldId).collect();
        if let Some(path) = &arguments.ids_file {
            ids.extend(read_ids(path)?);
        }
        selection = selection.with_ids(ids);
    }
    if !arguments.ecu.is_empty() {
        selection = selection.with_ecu_numbers(&arguments.ecu);
    }
    Ok(selection)
}

/// What the run is to say that it was told to select.
fn described(arguments: &cli::Enqueue) -> Value {
    let mut described = Map::new();
    if !arguments.ecu.is_empty() {
        described.insert("ecu_numbers".to_owned(), arguments.ecu.iter().map(|ecu| ecu.trim()).collect());
    }
    if !arguments.id.is_empty() {
        described.insert("ids".to_owned(), arguments.id.clone().into());
    }
    if let Some(file) = &arguments.ids_file {
        described.insert("ids_file".to_owned(), file.display().to_string().into());
    }
    if let Some(limit) = arguments.limit {
        described.insert("limit".to_owned(), limit.into());
    }
    Value::Object(described)
}

#[cfg(test)]
mod tests {
    use certferry_bootstrap::exit;
    use certferry_source::Repeated;

    use super::*;

    #[test]
    fn the_result_is_one_line() {
        let so_far =
            certferry_operations::Enqueued { selected: 5, enqueued: 3, already_known: 2, ..Default::default() };
        let line = |enqueued: &certferry_operations::Enqueued, restored, dry_run| {
            Enqueued::new(enqueued.clone(), restored, dry_run).to_string()
        };
        assert_eq!(line(&so_far, 0, false), "selected 5, enqueued 3, already known 2");
        let mut found = Unaddressable::default();
        found.add_repeated(Repeated { id: OldId(7), rows: 2 });
        let repeated = certferry_operations::Enqueued { unaddressable: found, ..so_far.clone() };
        assert_eq!(line(&repeated, 0, false), "selected 5, enqueued 3, already known 2, unaddressable 2");
        let absent = certferry_operations::Enqueued { not_in_source: vec![OldId(9)], ..so_far };
        assert_eq!(line(&absent, 0, true), "selected 5, would enqueue 3, already known 2, not in the source 1");
        assert!(line(&absent, 7, true).ends_with(", jobs that are missing 7"));
        assert!(line(&absent, 7, false).ends_with(", missing jobs restored 7"));
    }

    #[test]
    fn what_stopped_it_is_said_with_what_was_done() {
        let rendered = |why| {
            let so_far =
                certferry_operations::Enqueued { selected: 5, enqueued: 3, already_known: 2, ..Default::default() };
            let error = Error::Stopped { so_far: Box::new(so_far), why: Box::new(why) };
            exit::render(&explained::<()>(error, 1, false).unwrap_err())
        };
        insta::assert_snapshot!(rendered(Error::Cancelled { run: 4 }), @"
        error: stopped: selected 5, enqueued 3, already known 2, missing jobs restored 1
          caused by: run 4 was cancelled
        hint: run it again to enqueue the others, in a run of its own
        ");
        insta::assert_snapshot!(rendered(Error::RowsDiffer { rows: 9, seen: 5, unreadable: 1, passes: 3 }), @"
        error: stopped after reading it 3 times: selected 5, enqueued 3, already known 2, missing jobs restored 1
          caused by: the source has 9 rows, and of those 5 were read by their id and 1 have none
        hint: run it again when nothing changes the source, or look at its id column with `producer check`; what is enqueued stays so
        ");
    }
}
