//! Queueing certificates that were never queued before, and seeing to it that none of the source's was overlooked.

mod page;
mod pass;

use certferry_certificate::OldId;
use certferry_source::{Selection, Source, Unaddressable};
use certferry_store::{Database, RunKind};
use serde_json::Value;

use crate::{Error, Observer, Operator};
use pass::Pass;

/// How many ids that the source does not have are named; the others are counted.
const NAMED: usize = 10;

/// The fewest ids that are read at a time where a limit is below that.
const SMALLEST_PAGE: u64 = 100;

/// How often the source is read from its beginning to its end, while its own count differs from what was seen.
const PASSES: u32 = 3;

/// Certificates to queue, where they were never queued before.
#[derive(Clone, Debug)]
pub struct Enqueue {
    /// Which certificates of the source.
    pub selection: Selection,
    /// At most so many are queued.
    pub limit: Option<u64>,
    /// Ids that are read at a time, and queued in one transaction.
    pub page_size: u32,
    /// What the run is to say that it was told to select.
    pub described: Value,
    /// How often their jobs may run: for those who look at the queue.
    pub max_attempts: i32,
}

/// What came of it; where it was only looked at, what would come of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enqueued {
    /// The run that it was; none where it was only looked at, or stopped before there was a run.
    pub run: Option<i64>,
    /// Certificates of the source that were looked at: the sum of the next two.
    pub selected: u64,
    /// Certificates that are queued now.
    pub enqueued: u64,
    /// Certificates that had a status row.
    pub already_known: u64,
    /// Rows of the source that cannot be told apart by their id, and so were not looked at.
    pub unaddressable: Unaddressable,
    /// Ids that were named and that the source does not have, or not with one of the ECU numbers.
    pub not_in_source: Vec<OldId>,
    /// Whether it came to the end of the selection or the limit, and was not stopped.
    pub complete: bool,
}

impl Enqueued {
    /// Takes note of what `pass` has come to, which was begun when so many had been `enqueued` by passes before.
    fn take(&mut self, pass: &Pass, enqueued: u64) {
        // What an earlier pass enqueued is known to this one.
        self.enqueued = enqueued + pass.new;
        self.already_known = pass.known.saturating_sub(enqueued);
        self.selected = self.enqueued + self.already_known;
    }

    /// The error of an operation that had come so far.
    fn stopped(&self, why: Error) -> Error {
        Error::Stopped { so_far: Box::new(self.clone()), why: Box::new(why) }
    }
}

impl Enqueue {
    /// Looks what would be queued; changes nothing.
    pub async fn look(
        &self,
        database: &Database,
        source: &Source,
        observer: &impl Observer,
    ) -> Result<Enqueued, Error> {
        self.enqueuing(database, source, observer, None).enqueue().await
    }

    /// Queues them: a page of status rows and exactly their jobs, one transaction.
    pub async fn execute(
        &self,
        database: &Database,
        source: &Source,
        by: &Operator,
        observer: &impl Observer,
    ) -> Result<Enqueued, Error> {
        let beginning = certferry_store::begin_run(database, RunKind::Enqueue, &by.user, &by.host, &self.described);
        let Some(run) = observer.until_stopped(beginning).await else { return Ok(Enqueued::default()) };
        let run = run?;
        let enqueued = self.enqueuing(database, source, observer, Some(run)).enqueue().await?;
        if enqueued.complete {
            certferry_store::end_run(database, run).await?;
        }
        Ok(enqueued)
    }

    fn enqueuing<'a, O>(
        &'a self,
        database: &'a Database,
        source: &'a Source,
        observer: &'a O,
        run: Option<i64>,
    ) -> Enqueuing<'a, O> {
        let page_size = match self.limit {
            // A first try of a few need not read thousands.
            Some(limit) => u32::try_from(limit.max(SMALLEST_PAGE)).unwrap_or(u32::MAX).min(self.page_size),
            None => self.page_size,
        };
        Enqueuing {
            run,
            database,
            source,
            observer,
            selection: &self.selection,
            page_size,
            limit: self.limit.unwrap_or(u64::MAX),
            max_attempts: self.max_attempts,
        }
    }
}

/// The work of one call.
struct Enqueuing<'a, O> {
    /// None where it is only looked at.
    run: Option<i64>,
    database: &'a Database,
    source: &'a Source,
    observer: &'a O,
    selection: &'a Selection,
    page_size: u32,
    limit: u64,
    max_attempts: i32,
}

impl<O: Observer> Enqueuing<'_, O> {
    /// Reads the selection, again while the source's own count says that rows were overlooked.
    async fn enqueue(&self) -> Result<Enqueued, Error> {
        let mut result = Enqueued { run: self.run, ..Enqueued::default() };
        let counting = self.source.count(self.selection);
        let Some(total) = self.observer.until_stopped(counting).await else { return Ok(result) };
        self.observer.begin(total?);
        let Some(rows) = self.observer.until_stopped(self.rows_up_to(None)).await else { return Ok(result) };
        let mut rows_before = rows?;
        for pass in 1..=PASSES {
            let enqueued = if self.run.is_some() { result.enqueued } else { 0 };
            let Some(seen) = self.pass(&mut result, enqueued).await? else { return Ok(result) };
            let surveying = self.survey(&seen, result.enqueued >= self.limit);
            let Some(survey) = self.observer.until_stopped(surveying).await else { return Ok(result) };
            let survey = survey.map_err(|error| result.stopped(error))?;
            let (seen_rows, unreadable_rows) = (seen.rows(), survey.unreadable.rows());
            result.unaddressable = survey.unreadable;
            result.unaddressable.add(seen.repeated);
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
            let differs = Error::RowsDiffer { rows, seen: seen_rows, unreadable: unreadable_rows, passes: pass };
            if pass == PASSES {
                return Err(result.stopped(differs));
            }
            tracing::info!("{differs}: it changes while it is read, so it is read again");
        }
        // The source's own count may be high, and things changed since.
        self.observer.end(result.selected + result.not_in_source.len() as u64);
        warn_of_absent(&result.not_in_source);
        Ok(result)
    }

    /// Asks the source for what pages cannot show: rows without a readable id, and its own count. A pass that came to
    /// its limit has not seen everything, so that there is nothing to compare.
    async fn survey(&self, pass: &Pass, is_limited: bool) -> Result<Survey, Error> {
        if is_limited {
            return Ok(Survey::default());
        }
        let unreadable = self.source.unreadable(self.selection).await?;
        Ok(Survey { unreadable, rows: self.rows_up_to(pass.last).await? })
    }

    /// The source's own count of its rows up to an id; none where the selection is not of all.
    async fn rows_up_to(&self, last: Option<OldId>) -> Result<Option<u64>, Error> {
        if !self.selection.is_all() {
            return Ok(None);
        }
        Ok(Some(self.source.rows_up_to(last).await?))
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
    use super::*;

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
}
