//! Queueing certificates again that failed, were set aside or were taken back.

use certferry_certificate::{Filter, OldId, State};
use certferry_store::{Database, RunKind};
use serde_json::Value;

use crate::selection::{PAGE, eligible, intersection, page_again};
use crate::{Eligible, Error, Observer, Operator};

/// Certificates to queue again.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Which certificates.
    pub filter: Filter,
    /// In which of the states they may be: failed, skipped or reverted.
    pub states: Vec<State>,
    /// What the run is to say that it was told to select.
    pub described: Value,
    /// How often their jobs may run: for those who look at the queue.
    pub max_attempts: i32,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// The run that it was.
    pub run: i64,
    /// Certificates that are queued again.
    pub enqueued: u64,
    /// Whether it came to the end of what was selected, and was neither stopped nor cancelled.
    pub complete: bool,
}

impl Retry {
    /// Looks what would be queued again; changes nothing.
    pub async fn eligible(&self, database: &Database) -> Result<Eligible, Error> {
        eligible(database, &self.filter, &self.states).await
    }

    /// Queues them again: a page of status rows and exactly their jobs, one transaction. Each certificate at most once, also
    /// where it fails again meanwhile.
    pub async fn execute(
        &self,
        database: &Database,
        by: &Operator,
        observer: &impl Observer,
    ) -> Result<Retried, Error> {
        let run = certferry_store::begin_run(database, RunKind::Retry, &by.user, &by.host, &self.described).await?;
        let mut retried = Retried { run, ..Retried::default() };
        let states = intersection(&self.filter, &self.states);
        let mut from = (!states.is_empty()).then_some(OldId(i64::MIN));
        let filter = self.filter.in_states(&states);
        while let Some(begin) = from {
            if observer.is_stopped() {
                return Ok(retried);
            }
            let done = page_again(async || self.page(database, &filter, &states, begin, run).await).await?;
            let Some((page, enqueued)) = done else { return Ok(retried) };
            retried.enqueued += enqueued;
            observer.advance(enqueued);
            from = page.last().and_then(|last| last.0.checked_add(1)).map(OldId);
        }
        certferry_store::end_run(database, run).await?;
        retried.complete = true;
        Ok(retried)
    }

    /// Queues a page again; returns which certificates were looked at and how many were queued, none when the run was
    /// cancelled.
    async fn page(
        &self,
        database: &Database,
        filter: &Filter,
        states: &[State],
        from: OldId,
        run: i64,
    ) -> Result<Option<(Vec<OldId>, u64)>, Error> {
        let mut transaction = database.begin().await?;
        let page = certferry_store::selected_page(&mut transaction, filter, from, PAGE).await?;
        let locked = certferry_store::lock_states(&mut transaction, &page, states).await?;
        certferry_store::requeue(&mut transaction, &locked, run).await?;
        certferry_queue::push(&mut transaction, &locked, self.max_attempts).await?;
        if !certferry_store::select_in_run(&mut transaction, run, locked.len()).await? {
            transaction.rollback().await?;
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some((page, locked.len() as u64)))
    }
}
