//! The report as an Excel workbook: Summary, Migrated, Unmigrated.
//!
//! Rows go to disk as they are written, so that memory does not grow with the number of certificates.

mod cells;
mod certificate_sheets;
mod summary_sheet;

use anyhow::Context;
use certferry_bootstrap::{OutputFile, Progress, exit};
use certferry_store::{Scope, Summary};
use chrono_tz::Tz;
use rust_xlsxwriter::{DocProperties, Workbook, XlsxError};

use self::certificate_sheets::CertificateSheets;
use crate::pages::Pages;

/// A workbook with all its rows, yet to be packed.
pub(crate) struct Filled(Workbook);

pub(crate) async fn fill(
    file: &OutputFile,
    mut pages: Pages<'_>,
    summary: &Summary,
    timezone: Tz,
) -> anyhow::Result<Filled> {
    let doing = file.doing();
    let mut workbook = Workbook::new();
    // Beside the report and not in a temporary folder that may be memory.
    workbook.set_tempdir(file.folder()).context(doing.clone())?;
    workbook.set_properties(&DocProperties::new().set_title("Certificate migration report").set_company("Certferry"));
    let warnings = pages.warning_counts().await?;
    let front = summary_sheet::sheet(summary, &warnings, timezone).context(doing.clone())?;
    workbook.push_worksheet(front);
    for scope in [Scope::Migrated, Scope::Unmigrated] {
        let mut sheets = CertificateSheets::begin(&mut workbook, scope, timezone).context(doing.clone())?;
        pages.for_each(scope, |row| fallible(|| sheets.add(&row)).context(doing.clone())).await?;
        sheets.finish().context(doing.clone())?;
    }
    pages.finish();
    Ok(Filled(workbook))
}

/// Packs the workbook into the file. It takes about as long as filling it, so no snapshot should be open meanwhile.
pub(crate) async fn pack(file: &OutputFile, filled: Filled) -> anyhow::Result<()> {
    let Filled(mut workbook) = filled;
    let handle = file.another_handle()?;
    let progress = Progress::start("packing the workbook", None);
    // On a thread of its own, so that a wish to stop is heard.
    let packed = tokio::task::spawn_blocking(move || fallible(|| workbook.save_to_writer(handle))).await?;
    drop(progress);
    packed.with_context(|| file.doing())
}

/// The library panics when there is no room for the rows it sets aside on disk.
fn fallible(work: impl FnOnce() -> Result<(), XlsxError>) -> anyhow::Result<()> {
    Ok(exit::catching(work)??)
}
