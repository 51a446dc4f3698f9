//! One reading of the selection from its beginning to its end.

use std::collections::HashSet;

use certferry_certificate::OldId;
use certferry_source::Unaddressable;
use tokio::task::JoinSet;

use super::page::{Pushed, end_of_new, push};
use super::{Enqueued, Enqueuing};
use crate::{Error, Observer};

/// How many pages may be pushed while the next one is read.
const PAGES_IN_FLIGHT: usize = 2;

/// The fewest certificates after which the tables are analyzed; then whenever they have doubled.
const ANALYZE_FROM: u64 = 5000;

/// What a reading of the selection has come to.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// Certificates that were enqueued in it.
    pub(super) new: u64,
    /// Certificates that had a status row.
    pub(super) known: u64,
    /// Ids that several rows have.
    pub(super) repeated: Unaddressable,
    /// Ids that were named and are not there.
    pub(super) absent: Vec<OldId>,
    /// The highest id that was seen.
    pub(super) last: Option<OldId>,
}

impl Pass {
    fn count(&mut self, pushed: &Pushed, observer: &impl Observer) {
        self.new += pushed.enqueued as u64;
        self.known += (pushed.selected - pushed.enqueued) as u64;
        observer.advance(pushed.selected as u64);
    }

    /// Rows of the source that were seen, on whatever page.
    pub(super) fn rows(&self) -> u64 {
        self.new + self.known + self.repeated.rows()
    }

    /// Waits until at most so many pages are still being pushed.
    async fn pushed_down_to(
        &mut self,
        in_flight: usize,
        pushing: &mut JoinSet<Result<Pushed, Error>>,
        observer: &impl Observer,
    ) -> Result<(), Error> {
        while pushing.len() > in_flight {
            let Some(pushed) = pushing.join_next().await else { break };
            self.count(&pushed.map_err(Error::BrokeOff)??, observer);
        }
        Ok(())
    }
}

impl<O: Observer> Enqueuing<'_, O> {
    /// Reads the selection once and enqueues what is new; none when it was stopped.
    pub(super) async fn pass(&self, result: &mut Enqueued, enqueued: u64) -> Result<Option<Pass>, Error> {
        let mut pass = Pass::default();
        let mut after = None;
        let mut analyzed = (ANALYZE_FROM / 2).max(enqueued);
        let mut pushing = JoinSet::new();
        while result.enqueued < self.limit && !self.observer.is_stopped() {
            let room = self.limit - result.enqueued;
            let page = self.page(after, room, &mut pass, &mut pushing);
            // A page is a transaction: dropping it leaves nothing half done.
            let Some(next) = self.observer.until_dropped(page).await else { return Ok(None) };
            result.take(&pass, enqueued);
            after = next.map_err(|error| result.stopped(error))?;
            if self.run.is_some() && result.enqueued >= analyzed * 2 {
                analyzed = result.enqueued;
                self.analyze().await?;
            }
            if after.is_none() {
                break;
            }
        }
        let last_pages = pass.pushed_down_to(0, &mut pushing, self.observer);
        let Some(finished) = self.observer.until_dropped(last_pages).await else { return Ok(None) };
        result.take(&pass, enqueued);
        finished.map_err(|error| result.stopped(error))?;
        let is_complete = after.is_none() && !self.observer.is_stopped() || result.enqueued >= self.limit;
        Ok(is_complete.then_some(pass))
    }

    /// Reads one page, sees to it that it is pushed, and says where the next one begins.
    ///
    /// While a page is read others may still be pushed; with a limit, each page has to know what came of the one
    /// before, and takes no more than there is `room` for.
    async fn page(
        &self,
        after: Option<OldId>,
        room: u64,
        pass: &mut Pass,
        pushing: &mut JoinSet<Result<Pushed, Error>>,
    ) -> Result<Option<OldId>, Error> {
        let page = self.source.ids_page(after, self.page_size, self.selection).await?;
        self.observer.advance(page.absent.len() as u64);
        pass.absent.extend(page.absent);
        let repeated = page.repeated.last().map(|repeated| repeated.id);
        pass.last = page.ids.last().copied().max(repeated).max(pass.last);
        page.repeated.into_iter().for_each(|repeated| pass.repeated.add_repeated(repeated));
        let mut ids = page.ids;
        match self.run {
            Some(run) if self.limit == u64::MAX => {
                pushing.spawn(push(self.database.clone(), ids, run, self.max_attempts));
                pass.pushed_down_to(PAGES_IN_FLIGHT, pushing, self.observer).await?;
            }
            run => {
                let known = self.known(&ids).await?;
                let room = usize::try_from(room).unwrap_or(usize::MAX);
                ids.truncate(end_of_new(&ids, &known, room));
                let pushed = match run {
                    Some(run) => push(self.database.clone(), ids, run, self.max_attempts).await?,
                    None => Pushed::foreseen(&ids, &known),
                };
                pass.count(&pushed, self.observer);
            }
        }
        Ok(page.next)
    }

    /// Statistics for tables that have doubled, long before autovacuum looks at them.
    async fn analyze(&self) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        certferry_store::analyze_status(&mut transaction).await?;
        certferry_queue::analyze(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn known(&self, ids: &[OldId]) -> Result<HashSet<OldId>, Error> {
        Ok(certferry_store::known(self.database, ids).await?.into_iter().collect())
    }
}
