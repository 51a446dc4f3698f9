//! The report as JSON lines: the columns of the status table, times in UTC.

use std::io::{BufWriter, Write};

use anyhow::Context;
use certferry_bootstrap::OutputFile;

use crate::pages::Pages;
use crate::totals::Counted;

pub(crate) async fn write(file: &OutputFile, pages: &mut Pages<'_>) -> anyhow::Result<Counted> {
    let doing = file.doing();
    let context = doing.clone();
    let lines = BufWriter::new(file.another_handle()?);
    let adding = pages.add_to(lines, move |lines, row| {
        serde_json::to_writer(&mut *lines, row).context(context.clone())?;
        lines.write_all(b"\n").context(context.clone())
    });
    let (mut lines, counted) = adding.await?;
    lines.flush().context(doing)?;
    Ok(counted)
}
