use anyhow::Context;
use certferry_bootstrap::Progress;
use certferry_certificate::OldId;
use certferry_store::{ReportRow, Scope, Transaction, report_page};
use tokio::sync::mpsc;

use crate::totals::{Counted, Totals};

/// Rows read at a time: what bounds the memory of a report.
const PAGE: i64 = 2000;

/// Pages that are read ahead of the one being written.
const PAGES_AHEAD: usize = 2;

/// The certificates of a report at one moment, a page at a time.
pub(crate) struct Pages<'a> {
    pub(crate) snapshot: &'a mut Transaction,
    pub(crate) scope: &'a Scope,
    /// How many there are, where that is known.
    pub(crate) expected: Option<i64>,
}

impl Pages<'_> {
    /// Hands each certificate, by ascending id, to `add`, on a thread of its own: pages are read while others are written.
    /// Returns what they were added to, and their counts.
    pub(crate) async fn add_to<S: Send + 'static>(
        &mut self,
        mut sink: S,
        mut add: impl FnMut(&mut S, &ReportRow) -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<(S, Counted)> {
        let progress = Progress::start("writing the report", self.expected.and_then(|rows| u64::try_from(rows).ok()));
        let (sender, mut receiver) = mpsc::channel::<Vec<ReportRow>>(PAGES_AHEAD);
        let adding = tokio::task::spawn_blocking(move || {
            let mut totals = Totals::default();
            while let Some(page) = receiver.blocking_recv() {
                for row in &page {
                    add(&mut sink, row)?;
                    totals.add(row);
                }
            }
            anyhow::Ok((sink, totals.finish()))
        });
        let mut after: Option<OldId> = None;
        loop {
            let page = report_page(self.snapshot, self.scope, after, PAGE).await?;
            let count = page.len() as u64;
            after = page.last().map(|row| row.certificate_id);
            let is_last = count < PAGE.unsigned_abs();
            // Where nobody takes it any more, the reason is in what comes back.
            if sender.send(page).await.is_err() || is_last {
                progress.advance(count);
                break;
            }
            progress.advance(count);
        }
        drop(sender);
        let added = adding.await.context("writing the rows of the report broke off")??;
        progress.finish();
        Ok(added)
    }
}
