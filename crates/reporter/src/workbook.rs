//! The report as an Excel workbook.
//!
//! Rows go to disk as they are written, so that memory does not grow with the number of certificates.

mod cells;
mod charts;
mod lists;
mod rows;
mod sheets;
mod summary_sheet;

use anyhow::Context;
use certferry_bootstrap::{OutputFile, Progress, exit};
use certferry_store::{Person, people_page};
use rust_xlsxwriter::{DocProperties, Workbook, XlsxError};

use self::lists::{Created, Unaccounted};
use self::rows::CertificateRows;
use self::sheets::Paper;
use crate::accounts::Entry;
use crate::facts::Facts;
use crate::pages::Pages;
use crate::totals::Counted;

/// Created people read at a time.
const PAGE: i64 = 5000;

/// How much the workbook is compressed, from 1 to 9: less than usual, as packing is much of the time a large report takes.
const COMPRESSION: u8 = 2;

/// A workbook that is being filled.
pub(crate) struct Book {
    paper: Paper,
    rows: CertificateRows,
    created: Created,
    /// Begun with the first of them.
    unaccounted: Option<Unaccounted>,
    is_narrowed: bool,
}

impl Book {
    pub(crate) fn begin(file: &OutputFile, facts: &Facts) -> anyhow::Result<Self> {
        let mut workbook = Workbook::new();
        // Beside the report and not in a temporary folder that may be memory.
        workbook.set_tempdir(file.folder()).with_context(|| file.doing())?;
        workbook.set_zip_compression_level(COMPRESSION);
        workbook.set_properties(
            &DocProperties::new()
                .set_title("Certificate migration report")
                .set_author(&facts.made_by)
                .set_company("Certferry")
                .set_creation_datetime(&facts.made_at),
        );
        let mut paper = Paper::new(workbook, facts.timezone, facts.unfinished());
        let rows = fallible(|| CertificateRows::begin(&mut paper)).with_context(|| file.doing())?;
        let created = fallible(|| Created::begin(&mut paper)).with_context(|| file.doing())?;
        Ok(Self { paper, rows, created, unaccounted: None, is_narrowed: facts.narrowed.is_some() })
    }

    pub(crate) fn add_unaccounted(&mut self, entry: &Entry) -> anyhow::Result<()> {
        fallible(|| {
            let sheets = match &mut self.unaccounted {
                Some(sheets) => sheets,
                none => none.insert(Unaccounted::begin(&mut self.paper)?),
            };
            sheets.add(&mut self.paper, entry)
        })
    }

    /// Adds all certificates, and the people that were created for them.
    pub(crate) async fn fill(mut self, file: &OutputFile, pages: &mut Pages<'_>) -> anyhow::Result<(Self, Counted)> {
        let doing = file.doing();
        let mut after: Option<Person> = None;
        // What was created is known of the migration, not of some certificates.
        while !self.is_narrowed {
            let page = people_page(pages.snapshot, after.as_ref(), PAGE).await?;
            fallible(|| page.iter().try_for_each(|person| self.created.add(&mut self.paper, person)))
                .context(doing.clone())?;
            if page.len() < usize::try_from(PAGE)? {
                break;
            }
            after = page.last().cloned();
        }
        let adding = pages
            .add_to(self, move |book, row| fallible(|| book.rows.add(&mut book.paper, row)).context(doing.clone()));
        Box::pin(adding).await
    }

    /// Adds what is known only now and packs the workbook into the file. It takes about as long as filling it, so no snapshot
    /// should be open meanwhile.
    pub(crate) async fn pack(self, file: &OutputFile, facts: &Facts) -> anyhow::Result<()> {
        let handle = file.another_handle()?;
        let mut workbook = fallible(|| self.finish(facts)).with_context(|| file.doing())?;
        let progress = Progress::start("packing the workbook", None);
        // On a thread of its own, so that a wish to stop is heard.
        let packed = tokio::task::spawn_blocking(move || fallible(|| workbook.save_to_writer(handle))).await?;
        drop(progress);
        packed.with_context(|| file.doing())
    }

    fn finish(self, facts: &Facts) -> Result<Workbook, XlsxError> {
        let Self { mut paper, rows, created, unaccounted, is_narrowed } = self;
        let causes = lists::causes(&mut paper, &facts.causes, &rows)?;
        let runs = lists::runs(&mut paper, &facts.runs)?;
        let throughput = charts::throughput_sheet(&paper, &facts.throughput)?;
        let summary = summary_sheet::sheet(facts, &paper, &rows)?;
        paper.workbook.push_worksheet(summary);
        let mut sheets = rows.finish()?;
        if !is_narrowed {
            sheets.extend(created.finish()?);
        }
        sheets.extend(causes);
        sheets.extend(runs);
        sheets.extend(throughput);
        if let Some(unaccounted) = unaccounted {
            sheets.extend(unaccounted.finish()?);
        }
        for sheet in sheets {
            paper.workbook.push_worksheet(sheet);
        }
        Ok(paper.workbook)
    }
}

/// The library panics when there is no room for the rows it sets aside on disk.
fn fallible<T>(work: impl FnOnce() -> Result<T, XlsxError>) -> anyhow::Result<T> {
    Ok(exit::catching(work)??)
}
