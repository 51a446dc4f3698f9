use certferry_bootstrap::Progress;
use certferry_certificate::OldId;
use certferry_store::{ReportRow, Scope, Summary, Transaction, WarningCount, report_page, warning_counts};

/// Rows read at a time: what bounds the memory of a report.
const PAGE: i64 = 2000;

/// The status table at one moment, a page at a time.
pub(crate) struct Pages<'a> {
    snapshot: &'a mut Transaction,
    progress: Progress,
}

impl<'a> Pages<'a> {
    pub(crate) fn new(snapshot: &'a mut Transaction, summary: &Summary) -> Self {
        let progress = Progress::start("writing the report", u64::try_from(summary.total()).ok());
        Self { snapshot, progress }
    }

    /// Hands each certificate of `scope` to `write`, by ascending id.
    pub(crate) async fn for_each(
        &mut self,
        scope: Scope,
        mut write: impl FnMut(ReportRow) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut after: Option<OldId> = None;
        loop {
            let page = report_page(self.snapshot, scope, after, PAGE).await?;
            let count = page.len() as u64;
            after = page.last().map(|row| row.certificate_id);
            for row in page {
                write(row)?;
            }
            self.progress.advance(count);
            if count < PAGE.unsigned_abs() {
                return Ok(());
            }
            // So that a wish to stop is heard although the database answers at once.
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn warning_counts(&mut self) -> anyhow::Result<Vec<WarningCount>> {
        Ok(warning_counts(self.snapshot).await?)
    }

    pub(crate) fn finish(self) {
        self.progress.finish();
    }
}
