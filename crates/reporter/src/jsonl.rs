//! The report as JSON lines: the columns of the status table, times in UTC.

use std::io::{BufWriter, Write};

use anyhow::Context;
use certferry_bootstrap::OutputFile;
use certferry_store::Scope;

use crate::pages::Pages;

pub(crate) async fn write(file: &mut OutputFile, mut pages: Pages<'_>) -> anyhow::Result<()> {
    let doing = file.doing();
    let mut lines = BufWriter::new(file.file());
    pages
        .for_each(Scope::All, |row| {
            serde_json::to_writer(&mut lines, &row).context(doing.clone())?;
            lines.write_all(b"\n").context(doing.clone())
        })
        .await?;
    lines.flush().context(doing)?;
    pages.finish();
    Ok(())
}
