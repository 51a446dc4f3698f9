//! The report as an Excel workbook: Summary, Migrated, Unmigrated.
//!
//! Rows go to disk as they are written, so that memory does not grow with the number of certificates.

mod cells;
mod certificate_sheets;
mod summary_sheet;

use anyhow::Context;
use certferry_store::{Scope, Summary};
use chrono_tz::Tz;
use rust_xlsxwriter::{DocProperties, Workbook};

use self::certificate_sheets::CertificateSheets;
use crate::output_file::OutputFile;
use crate::pages::Pages;

pub(crate) async fn write(
    file: &mut OutputFile,
    mut pages: Pages<'_>,
    summary: &Summary,
    timezone: Tz,
) -> anyhow::Result<()> {
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
        pages.for_each(scope, |row| sheets.add(&row).context(doing.clone())).await?;
        sheets.finish().context(doing.clone())?;
    }
    pages.finish();
    let handle = file.another_handle()?;
    // Compressing takes seconds, in which a wish to stop must be heard.
    tokio::task::spawn_blocking(move || workbook.save_to_writer(handle)).await?.context(doing)
}
