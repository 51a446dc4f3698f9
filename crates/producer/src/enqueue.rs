use std::collections::HashSet;
use std::fmt;

use anyhow::{Context, anyhow};
use certferry_bootstrap::exit::Attention;
use certferry_bootstrap::{Config, Hint, HintFrom, Progress, Shutdown, read_ids};
use certferry_certificate::OldId;
use certferry_operations::operator;
use certferry_source::{Selection, Source, Unaddressable};
use certferry_store::{Database, Error, RunKind};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::cli::Enqueue;
use crate::{connections, interruption, missing};

/// How many ids that the source does not have are named; the others are counted.
const NAMED: usize = 10;

/// How many pages may be pushed while the next one is read.
const PAGES_IN_FLIGHT: usize = 2;

/// The fewest certificates after which the tables are analyzed; then whenever they have doubled.
const ANALYZE_FROM: u64 = 5000;

/// How often the source is read from its beginning to its end, while its own count differs from what was seen.
const PASSES: u32 = 3;

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
    /// Takes note of what `pass` has come to, which was begun when so many had been `enqueued` by passes before.
    fn take(&mut self, pass: &Pass, enqueued: u64) {
        // What an earlier pass enqueued is known to this one.
        self.enqueued = enqueued + pass.new;
        self.already_known = pass.known.saturating_sub(enqueued);
        self.selected = self.enqueued + self.already_known;
    }

    fn find(&mut self, unaddressable: Unaddressable) {
        self.unaddressable = unaddressable.rows();
        self.unaddressable_named.clone_from(&unaddressable.named);
        self.found = unaddressable;
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

/// One reading of the selection from its beginning to its end.
#[derive(Debug, Default)]
struct Pass {
    /// Certificates that were enqueued in it.
    new: u64,
    /// Certificates that had a status row.
    known: u64,
    /// Ids that several rows have.
    repeated: Unaddressable,
    /// Ids that were named and are not there.
    absent: Vec<OldId>,
    /// The highest id that was seen.
    last: Option<OldId>,
}

impl Pass {
    fn count(&mut self, pushed: &Pushed, progress: &Progress) {
        self.new += pushed.enqueued as u64;
        self.known += (pushed.selected - pushed.enqueued) as u64;
        progress.advance(pushed.selected as u64);
    }

    /// Rows of the source that were seen, on whatever page.
    fn rows(&self) -> u64 {
        self.new + self.known + self.repeated.rows()
    }

    /// Waits until at most so many pages are still being pushed.
    async fn pushed_down_to(
        &mut self,
        in_flight: usize,
        pushing: &mut JoinSet<anyhow::Result<Pushed>>,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        while pushing.len() > in_flight {
            let Some(pushed) = pushing.join_next().await else { break };
            self.count(&pushed.context("pushing a page of certificates broke off")??, progress);
        }
        Ok(())
    }
}

/// Queues the certificates that were never queued before: a page of the source, one transaction.
pub(crate) async fn run(config: &Config, arguments: &Enqueue, shutdown: &Shutdown) -> anyhow::Result<Enqueued> {
    let selection = selection(arguments)?;
    let connecting = async {
        let database = connections::database_to_fill(config, "enqueue", arguments.dry_run);
        tokio::join!(Box::pin(database), Box::pin(connections::source(config)))
    };
    let connected = shutdown.interrupting(connecting).await.context("interrupted; nothing was queued")?;
    let ((database, at_work), source) = (connected.0?, connected.1);
    let enqueued = match source {
        Ok(source) => Box::pin(enqueue(config, arguments, &database, source, selection, shutdown)).await,
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

async fn enqueue(
    config: &Config,
    arguments: &Enqueue,
    database: &Database,
    source: Source,
    selection: Selection,
    shutdown: &Shutdown,
) -> anyhow::Result<Enqueued> {
    let name = format!("producer enqueue of {}", operator());
    let participant = connections::participant(config, database, Some(&source), &name);
    let agreeing =
        async { if arguments.dry_run { participant.agree_without_a_trace().await } else { participant.agree().await } };
    shutdown.interrupting(Box::pin(agreeing)).await.context("interrupted; nothing was queued")??;
    let page_size = match arguments.limit {
        // A first try of a few need not read thousands.
        Some(limit) => u32::try_from(limit.max(100)).unwrap_or(u32::MAX).min(config.source.page_size),
        None => config.source.page_size,
    };
    let max_attempts = i32::try_from(config.worker.max_attempts)?;
    // Before anything is queued: of what this command queues no job is missing.
    let restored = missing::restore(database, max_attempts, arguments.dry_run, shutdown).await?;
    let run = if arguments.dry_run {
        None
    } else {
        let (by, filter) = (operator(), filter(arguments));
        let beginning = certferry_store::begin_run(database, RunKind::Enqueue, &by.user, &by.host, &filter);
        Some(
            shutdown
                .interrupting(beginning)
                .await
                .context("interrupted; nothing was queued")?
                .hint_from(Error::hint)?,
        )
    };
    let enqueuing = Enqueuing {
        run,
        database: database.clone(),
        source,
        selection,
        page_size,
        limit: arguments.limit.unwrap_or(u64::MAX),
        max_attempts,
    };
    let result = Enqueued { run, jobs_restored: restored, dry_run: arguments.dry_run, ..Enqueued::default() };
    let result = enqueuing.enqueue(result, shutdown).await?;
    if result.complete {
        if let Some(run) = run {
            certferry_store::end_run(database, run).await.hint_from(Error::hint)?;
        }
        enqueuing.source.close().await;
    }
    Ok(result)
}

fn selection(arguments: &Enqueue) -> anyhow::Result<Selection> {
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
fn filter(arguments: &Enqueue) -> Value {
    let mut filter = Map::new();
    if !arguments.ecu.is_empty() {
        filter.insert("ecu_numbers".to_owned(), arguments.ecu.iter().map(|ecu| ecu.trim()).collect());
    }
    if !arguments.id.is_empty() {
        filter.insert("ids".to_owned(), arguments.id.clone().into());
    }
    if let Some(file) = &arguments.ids_file {
        filter.insert("ids_file".to_owned(), file.display().to_string().into());
    }
    if let Some(limit) = arguments.limit {
        filter.insert("limit".to_owned(), limit.into());
    }
    Value::Object(filter)
}

struct Enqueuing {
    /// None in a dry run.
    run: Option<i64>,
    database: Database,
    source: Source,
    selection: Selection,
    page_size: u32,
    limit: u64,
    max_attempts: i32,
}

impl Enqueuing {
    async fn enqueue(&self, mut result: Enqueued, shutdown: &Shutdown) -> anyhow::Result<Enqueued> {
        let dry_run = result.dry_run;
        let counting = self.source.count(&self.selection);
        let Some(total) = shutdown.interrupting(counting).await else { return Ok(result) };
        let total = total.hint_from(certferry_source::Error::hint)?;
        let what = if dry_run { "looking through certificates" } else { "enqueueing certificates" };
        let progress = Progress::start(what, total);
        let Some(rows) = shutdown.interrupting(self.rows_up_to(None)).await else { return Ok(result) };
        let mut rows_before = rows?;
        for pass in 1..=PASSES {
            let enqueued = if dry_run { 0 } else { result.enqueued };
            let Some(seen) = self.pass(&mut result, enqueued, &progress, shutdown).await? else { return Ok(result) };
            let surveying = self.survey(&seen, result.enqueued >= self.limit);
            let Some(survey) = shutdown.interrupting(surveying).await else { return Ok(result) };
            let survey = survey.with_context(|| format!("stopped: {result}"))?;
            let (seen_rows, unreadable_rows) = (seen.rows(), survey.unreadable.rows());
            let mut unaddressable = survey.unreadable;
            unaddressable.add(seen.repeated);
            result.find(unaddressable);
            result.not_in_source = seen.absent;
            let Some(rows) = survey.rows.filter(|rows| *rows != seen_rows + unreadable_rows) else {
                result.complete = true;
                break;
            };
            if changed_meanwhile(rows_before, seen_rows + unreadable_rows, rows) {
                tracing::warn!(
                    "the source had {} rows, and {rows} when they were read: run it again to enqueue what came meanwhile",
                    rows_before.unwrap_or(rows)
                );
                result.complete = true;
                break;
            }
            rows_before = Some(rows);
            let differs = format!(
                "the source has {rows} rows, and of those {seen_rows} were read by their id and {unreadable_rows} have none"
            );
            if pass == PASSES {
                return Err(anyhow!("{differs}").context(format!("stopped after reading it {PASSES} times: {result}")))
                    .hint(
                        "run it again when nothing changes the source, or look at its id column with `producer check`; \
                         what is enqueued stays so",
                    );
            }
            tracing::info!("{differs}: it changes while it is read, so it is read again");
        }
        // The source's own count may be high, and things changed since.
        progress.set_total(result.selected + result.not_in_source.len() as u64);
        progress.finish();
        warn_of_absent(&result.not_in_source);
        Ok(result)
    }

    /// Reads the selection once and enqueues what is new; none when it was interrupted.
    async fn pass(
        &self,
        result: &mut Enqueued,
        enqueued: u64,
        progress: &Progress,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Option<Pass>> {
        let mut pass = Pass::default();
        let mut after = None;
        let mut analyzed = (ANALYZE_FROM / 2).max(enqueued);
        let mut pushing = JoinSet::new();
        while result.enqueued < self.limit && !shutdown.is_requested() {
            let room = self.limit - result.enqueued;
            let page = self.page(after, room, result.dry_run, &mut pass, &mut pushing, progress);
            // A page is a transaction: dropping it on the second signal leaves nothing half done.
            let Some(next) = interruption::finish(page, shutdown).await else { return Ok(None) };
            result.take(&pass, enqueued);
            after = next.with_context(|| format!("stopped: {result}"))?;
            if !result.dry_run && result.enqueued >= analyzed * 2 {
                analyzed = result.enqueued;
                self.analyze().await?;
            }
            if after.is_none() {
                break;
            }
        }
        let last_pages = pass.pushed_down_to(0, &mut pushing, progress);
        let Some(finished) = interruption::finish(last_pages, shutdown).await else { return Ok(None) };
        result.take(&pass, enqueued);
        finished.with_context(|| format!("stopped: {result}"))?;
        let is_complete = after.is_none() && !shutdown.is_requested() || result.enqueued >= self.limit;
        Ok(is_complete.then_some(pass))
    }

    /// Asks the source for what pages cannot show: rows without a readable id, and its own count. A pass that came to
    /// its limit has not seen everything, so that there is nothing to compare.
    async fn survey(&self, pass: &Pass, is_limited: bool) -> anyhow::Result<Survey> {
        if is_limited {
            return Ok(Survey::default());
        }
        let unreadable = self.source.unreadable(&self.selection).await.hint_from(certferry_source::Error::hint)?;
        Ok(Survey { unreadable, rows: self.rows_up_to(pass.last).await? })
    }

    /// The source's own count of its rows up to an id; none where the selection is not of all.
    async fn rows_up_to(&self, last: Option<OldId>) -> anyhow::Result<Option<u64>> {
        if !self.selection.is_all() {
            return Ok(None);
        }
        self.source.rows_up_to(last).await.hint_from(certferry_source::Error::hint).map(Some)
    }

    /// Reads one page, sees to it that it is pushed, and says where the next one begins.
    ///
    /// While a page is read others may still be pushed; with a limit, each page has to know what came of the one
    /// before, and takes no more than there is `room` for.
    async fn page(
        &self,
        after: Option<OldId>,
        room: u64,
        dry_run: bool,
        pass: &mut Pass,
        pushing: &mut JoinSet<anyhow::Result<Pushed>>,
        progress: &Progress,
    ) -> anyhow::Result<Option<OldId>> {
        let page = self.source.ids_page(after, self.page_size, &self.selection).await;
        let page = page.hint_from(certferry_source::Error::hint)?;
        progress.advance(page.absent.len() as u64);
        pass.absent.extend(page.absent);
        let repeated = page.repeated.last().map(|repeated| repeated.id);
        pass.last = page.ids.last().copied().max(repeated).max(pass.last);
        page.repeated.into_iter().for_each(|repeated| pass.repeated.add_repeated(repeated));
        let mut ids = page.ids;
        if self.limit < u64::MAX || dry_run {
            let known = self.known(&ids).await?;
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            ids.truncate(end_of_new(&ids, &known, room));
            if dry_run {
                let enqueued = ids.iter().filter(|id| !known.contains(id)).count();
                pass.count(&Pushed { selected: ids.len(), enqueued }, progress);
            } else {
                pass.count(&push(self.database.clone(), ids, self.run, self.max_attempts).await?, progress);
            }
        } else {
            pushing.spawn(push(self.database.clone(), ids, self.run, self.max_attempts));
            pass.pushed_down_to(PAGES_IN_FLIGHT, pushing, progress).await?;
        }
        Ok(page.next)
    }

    /// Statistics for tables that have doubled, long before autovacuum looks at them.
    async fn analyze(&self) -> anyhow::Result<()> {
        let mut transaction = self.database.begin().await?;
        certferry_store::analyze_status(&mut transaction).await?;
        certferry_queue::analyze(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn known(&self, ids: &[OldId]) -> anyhow::Result<HashSet<OldId>> {
        let known = certferry_store::known(&self.database, ids).await.hint_from(Error::hint)?;
        Ok(known.into_iter().collect())
    }
}

/// What the source says of itself.
#[derive(Debug, Default)]
struct Survey {
    /// Rows whose id is no whole number.
    unreadable: Unaddressable,
    /// How many rows there are up to the highest id that was seen; none where the selection is not of all.
    rows: Option<u64>,
}

/// Whether rows that came or went while the source was read explain why another number of them was seen: it lies between
/// the source's own counts before and after.
fn changed_meanwhile(before: Option<u64>, seen: u64, after: u64) -> bool {
    before.is_some_and(|before| before != after && (before.min(after)..=before.max(after)).contains(&seen))
}

/// What came of one page.
struct Pushed {
    selected: usize,
    enqueued: usize,
}

/// One transaction: the status rows that were not there yet, and exactly their jobs.
async fn push(database: Database, ids: Vec<OldId>, run: Option<i64>, max_attempts: i32) -> anyhow::Result<Pushed> {
    if ids.is_empty() {
        return Ok(Pushed { selected: 0, enqueued: 0 });
    }
    let mut transaction = database.begin().await?;
    let new = certferry_store::record_queued(&mut transaction, &ids, run).await.hint_from(Error::hint)?;
    certferry_queue::push(&mut transaction, &new, max_attempts).await.hint_from(certferry_queue::Error::hint)?;
    if let Some(run) = run
        && !certferry_store::select_in_run(&mut transaction, run, new.len()).await.hint_from(Error::hint)?
    {
        return Err(anyhow!("run {run} was cancelled")).hint("run it again to enqueue the others, in a run of its own");
    }
    transaction.commit().await?;
    Ok(Pushed { selected: ids.len(), enqueued: new.len() })
}

/// How many of `ids` to take so that at most `room` of them are not `known`.
fn end_of_new(ids: &[OldId], known: &HashSet<OldId>, room: usize) -> usize {
    let mut new = ids.iter().enumerate().filter(|(_, id)| !known.contains(id));
    new.nth(room).map_or(ids.len(), |(at, _)| at)
}

fn warn_of_absent(absent: &[OldId]) {
    if !absent.is_empty() {
        let ids: Vec<_> = absent.iter().take(NAMED).map(ToString::to_string).collect();
        let more = if absent.len() > NAMED { ", …" } else { "" };
        tracing::warn!(
            certificates = absent.len(),
            "not in the source as selected, and not queued: {}{more}",
            ids.join(", ")
        );
    }
}

#[cfg(test)]
mod tests {
    use certferry_source::Repeated;

    use super::*;

    #[test]
    fn a_limit_counts_only_new_certificates() {
        let ids: Vec<OldId> = (1..=6).map(OldId).collect();
        let known = HashSet::from([1, 3, 6].map(OldId));
        let ends = [0, 1, 2, 3, 4, usize::MAX].map(|room| end_of_new(&ids, &known, room));
        assert_eq!(ends, [1, 3, 4, 6, 6, 6]);
        assert_eq!(end_of_new(&[], &known, 0), 0);
    }

    #[test]
    fn only_rows_that_come_or_go_explain_a_difference() {
        for (before, seen, after, explained) in [
            (Some(100), 103, 108, true),
            (Some(100), 100, 101, true),
            (Some(108), 103, 100, true),
            (Some(100), 99, 100, false),
            (Some(100), 99, 108, false),
            (Some(100), 109, 108, false),
            (None, 99, 100, false),
        ] {
            assert_eq!(changed_meanwhile(before, seen, after), explained, "{before:?} {seen} {after}");
        }
    }

    /// What an earlier pass enqueued is known to the next, and counts once.
    #[test]
    fn passes_add_up() {
        let mut result = Enqueued::default();
        let passes = [(10, 3, 10, 3), (2, 13, 12, 3), (0, 15, 12, 3)];
        for (new, known, enqueued, already_known) in passes {
            let before = result.enqueued;
            result.take(&Pass { new, known, ..Pass::default() }, before);
            assert_eq!(
                (result.selected, result.enqueued, result.already_known),
                (enqueued + already_known, enqueued, already_known)
            );
        }
    }

    #[test]
    fn the_result_is_one_line() {
        let mut result = Enqueued { selected: 5, enqueued: 3, already_known: 2, ..Enqueued::default() };
        assert_eq!(result.to_string(), "selected 5, enqueued 3, already known 2");
        let mut found = Unaddressable::default();
        found.add_repeated(Repeated { id: OldId(7), rows: 2 });
        result.find(found);
        assert_eq!(result.to_string(), "selected 5, enqueued 3, already known 2, unaddressable 2");
        result.find(Unaddressable::default());
        result.dry_run = true;
        result.not_in_source = vec![OldId(9)];
        assert_eq!(result.to_string(), "selected 5, would enqueue 3, already known 2, not in the source 1");
        result.jobs_restored = 7;
        assert!(result.to_string().ends_with(", jobs that are missing 7"), "{result}");
        result.dry_run = false;
        assert!(result.to_string().ends_with(", missing jobs restored 7"), "{result}");
    }
}
