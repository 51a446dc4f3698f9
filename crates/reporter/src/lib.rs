//! The report: what became of every certificate, as an Excel workbook, CSV or JSON lines.
//!
//! It reads the status table and nothing else: it knows no queue, no source and none of the destination's tables, so it
//! may run beside workers, long after them, or from a read-only role.

mod cli;
mod jsonl;
mod pages;
mod table;
mod workbook;

use std::io::Write as _;
use std::path::Path;

use anyhow::Context;
use certferry_bootstrap::{Config, Flags, Hint, HintFrom, OutputFile, Shutdown, output, telemetry};
use certferry_store::{Database, Error, Settings, Summary, summary};
use clap::CommandFactory as _;

pub use crate::cli::{Cli, Format};
use crate::pages::Pages;

/// Writes the report that the command line and the configuration ask for, and says where it is and what it counts.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    if let Some(documentation) = &cli.documentation {
        return documentation.print(Cli::command());
    }
    let Some(config) = cli.configuration.load(Flags::new())? else { return Ok(()) };
    telemetry::init(&config.log);
    let shutdown = Shutdown::listen().context("could not listen for signals")?;
    let (path, format) = cli.target(&config.report.output);
    let written = shutdown.interrupting(Box::pin(write(&config, &path, format))).await;
    let summary = written.context("interrupted; no report was written")??;
    let result = if cli.json { as_json(&summary, &path, format)? } else { as_text(&summary, &path) };
    if OutputFile::is_standard_output(&path) {
        // The report itself is the result then.
        return writeln!(std::io::stderr(), "{result}").context("could not write to standard error");
    }
    Ok(output::line(result)?)
}

/// Writes the report to `path`, replacing what is there only when the report is complete.
pub async fn write(config: &Config, path: &Path, format: Format) -> anyhow::Result<Summary> {
    // First of all, so that a folder that is not there does not show after minutes of reading.
    let mut file = OutputFile::create(path, "the report").hint("name another file with --output")?;
    let database = connect(config).await?;
    let mut snapshot = database.begin_snapshot().await?;
    let summary = summary(&mut snapshot, None).await.map_err(explained)?;
    let pages = Pages::new(&mut snapshot, &summary);
    let filled = match format {
        Format::Xlsx => Some(workbook::fill(&file, pages, &summary, config.dates.timezone).await?),
        Format::Csv => table::write(&mut file, pages).await.map(|()| None)?,
        Format::Jsonl => jsonl::write(&mut file, pages).await.map(|()| None)?,
    };
    snapshot.rollback().await?;
    database.close().await;
    if let Some(filled) = filled {
        workbook::pack(&file, filled).await?;
    }
    file.finish()?;
    Ok(summary)
}

async fn connect(config: &Config) -> anyhow::Result<Database> {
    let settings = Settings {
        url: config.database_url()?.expose().to_owned(),
        destination_schema: config.destination.schema.clone(),
        max_connections: 1,
        connect_timeout: config.database.connect_timeout,
        statement_timeout: config.database.administrative_timeout(),
        lock_timeout: config.database.statement_timeout,
        application_name: "certferry",
    };
    let advice =
        |error: &Error| error.hint().unwrap_or("check database.url, and that the server can be reached from here");
    Database::connect(&settings).await.hint_from(|error| Some(advice(error)))
}

fn explained(error: Error) -> anyhow::Error {
    let is_missing = error.is_missing_schema();
    let result: Result<(), _> = Err(error);
    let result = if is_missing { result.hint("run `producer setup` first") } else { result.map_err(Into::into) };
    result.expect_err("it is an error")
}

fn as_text(summary: &Summary, path: &Path) -> String {
    let Summary { migrated, failed, queued, skipped, reverted, .. } = summary;
    format!(
        "report: {}\ntotal: {}\nmigrated: {migrated}\nfailed: {failed}\nqueued: {queued}\nskipped: {skipped}\nreverted: {reverted}\n\
         success rate: {:.1}% ({migrated} migrated of {} finished)",
        path.display(),
        summary.total(),
        summary.success_rate() * 100.0,
        migrated + failed,
    )
}

fn as_json(summary: &Summary, path: &Path, format: Format) -> anyhow::Result<String> {
    #[derive(serde::Serialize)]
    struct Document<'a> {
        output: &'a str,
        format: &'a str,
        #[serde(flatten)]
        summary: &'a Summary,
    }
    let output = path.to_string_lossy();
    Ok(serde_json::to_string(&Document { output: &output, format: format.extension(), summary })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_names_the_file_and_adds_up() {
        let summary = Summary { queued: 5, migrated: 30, failed: 10, skipped: 1, ..Summary::default() };
        insta::assert_snapshot!(as_text(&summary, Path::new("out/report.xlsx")), @r#"
        report: out/report.xlsx
        total: 46
        migrated: 30
        failed: 10
        queued: 5
        skipped: 1
        reverted: 0
        success rate: 75.0% (30 migrated of 40 finished)
        "#);
        let json = as_json(&summary, Path::new("out/report.xlsx"), Format::Xlsx).unwrap();
        insta::assert_snapshot!(json, @r#"{"output":"out/report.xlsx","format":"xlsx","total":46,"queued":5,"migrated":30,"failed":10,"skipped":1,"reverted":0,"success_rate":0.75,"by_code":{},"last_failed":null,"late_results":0,"first_enqueued_at":null,"first_started_at":null,"last_finished_at":null}"#);
    }
}
