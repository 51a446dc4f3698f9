//! Setting certificates aside, and cancelling what is still queued of a run.

use certferry_certificate::{Filter, OldId, State};
use certferry_store::Database;

use crate::selection::{PAGE, eligible, intersection, page_again};
use crate::{Eligible, Error, Observer, Operator};

/// Certificates to set aside.
#[derive(Clone, Debug)]
pub struct Skip {
    /// Which certificates.
    pub filter: Filter,
    /// In which of the states they may be: queued or failed.
    pub states: Vec<State>,
    /// Why.
    pub reason: String,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Certificates that are set aside.
    pub skipped: u64,
    /// Whether it came to the end of what was selected, and was not stopped.
    pub complete: bool,
}

impl Skip {
    /// Looks what would be set aside; changes nothing.
    pub async fn eligible(&self, database: &Database) -> Result<Eligible, Error> {
        eligible(database, &self.filter, &self.states).await
    }

    /// Sets them aside and ends their jobs, a page a transaction. One that a worker has in hand is waited for: it is done
    /// with, or set aside before the worker writes anything.
    pub async fn execute(
        &self,
        database: &Database,
        by: &Operator,
        observer: &impl Observer,
    ) -> Result<Skipped, Error> {
        let states = intersection(&self.filter, &self.states);
        let mut from = (!states.is_empty()).then_some(OldId(i64::MIN));
        let filter = self.filter.in_states(&states);
        let (mut result, by) = (Skipped::default(), by.to_string());
        while let Some(begin) = from {
            if observer.is_stopped() {
                return Ok(result);
            }
            let (page, skipped) = page_again(async || self.page(database, &filter, &states, begin, &by).await).await?;
            result.skipped += skipped;
            observer.advance(skipped);
            from = page.last().and_then(|last| last.0.checked_add(1)).map(OldId);
        }
        result.complete = true;
        Ok(result)
    }

    /// Sets a page aside; returns which certificates were looked at and how many were set aside.
    async fn page(
        &self,
        database: &Database,
        filter: &Filter,
        states: &[State],
        from: OldId,
        by: &str,
    ) -> Result<(Vec<OldId>, u64), Error> {
        let mut transaction = database.begin().await?;
        let page = certferry_store::selected_page(&mut transaction, filter, from, PAGE).await?;
        let locked = certferry_store::lock_states(&mut transaction, &page, states).await?;
        certferry_store::skip(&mut transaction, &locked, by, &self.reason).await?;
        certferry_queue::remove(&mut transaction, &locked).await?;
        transaction.commit().await?;
        Ok((page, locked.len() as u64))
    }
}

/// What is still queued of a run, to be set aside.
#[must_use]
pub fn cancellation(run: i64) -> Skip {
    Skip {
        filter: Filter { run: Some(run), ..Filter::default() },
        states: vec![State::Queued],
        reason: format!("run {run} was cancelled"),
    }
}

/// Notes that a run is cancelled, so that whoever is still queueing certificates in it stops. Returns false when there is no
/// such run. One that has come to its end stays what it is.
pub async fn cancel(database: &Database, run: i64, by: &Operator) -> Result<bool, Error> {
    let mut transaction = database.begin().await?;
    let found = certferry_store::runs(&mut transaction, Some(run), 1).await?.pop();
    if found.is_some_and(|run| run.queued == 0 && !run.is_selecting) {
        transaction.rollback().await?;
        return Ok(true);
    }
    let is_there = certferry_store::cancel_run(&mut transaction, run, &by.to_string()).await?;
    transaction.commit().await?;
    Ok(is_there)
}
