//! The report: what became of every certificate, as an Excel workbook, a page for browsers, CSV or JSON lines.
//!
//! It reads the status table, and compares it with the source and the destination where it may; it knows no queue, so it may run
//! beside workers, long after them, or from a read-only role.

mod accounts;
mod cli;
mod facts;
mod html;
mod jsonl;
mod pages;
mod since;
mod table;
mod totals;
mod workbook;

use std::io::Write as _;
use std::path::Path;

use anyhow::Context;
use certferry_bootstrap::exit::Attention;
use certferry_bootstrap::{Config, Flags, Hint, HintFrom, OutputFile, Shutdown, output, telemetry};
use certferry_store::{Database, Error, Scope, Settings, Summary, Transaction};
use clap::CommandFactory as _;

use crate::accounts::Unaccounted;
pub use crate::cli::{Cli, Format};
use crate::facts::Facts;
use crate::pages::Pages;
pub use crate::since::Since;
use crate::workbook::Book;

/// Writes the report that the command line and the configuration ask for, and says where it is and what it counts. What does not
/// add up is an [`Attention`], after that.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    if let Some(documentation) = &cli.documentation {
        return documentation.print(Cli::command());
    }
    let Some(config) = cli.configuration.load(Flags::new())? else { return Ok(()) };
    telemetry::init(&config.log);
    let shutdown = Shutdown::listen().context("could not listen for signals")?;
    let (path, format) = cli.target(&config.report.output);
    let since = cli.since.map(|since| since.instant(config.dates.timezone));
    let scope = Scope { filter: cli.filter.filter()?, since };
    let narrowed = narrowed(&cli, &scope);
    let written = shutdown.interrupting(Box::pin(write(&config, &path, format, &scope, narrowed))).await;
    let facts = written.context("interrupted; no report was written")??;
    let result = if cli.json { as_json(&facts, &path, format)? } else { as_text(&facts, &path) };
    if OutputFile::is_standard_output(&path) {
        // The report itself is the result then.
        writeln!(std::io::stderr(), "{result}").context("could not write to standard error")?;
    } else {
        output::line(result)?;
    }
    match facts.attention() {
        None => Ok(()),
        Some(what) => Err(Attention(what)).hint(match format {
            Format::Xlsx if facts.unaccounted.as_ref().is_some_and(|unaccounted| unaccounted.total() > 0) => {
                "sheet Unaccounted of the report names them"
            }
            Format::Xlsx | Format::Html => "the summary of the report says more",
            Format::Csv | Format::Jsonl => "`reporter --format xlsx` names them",
        }),
    }
}

/// Which certificates the report is about, in the words of the command line; none where it is all of them.
fn narrowed(cli: &Cli, scope: &Scope) -> Option<String> {
    let filter = &cli.filter;
    let mut words = Vec::new();
    let mut add = |name: &str, values: Vec<String>| {
        words.extend(values.into_iter().map(|value| format!("--{name} {value}")));
    };
    add("state", filter.state.iter().map(|state| state.as_str().to_owned()).collect());
    add("kind", filter.kind.iter().map(|kind| kind.as_str().to_owned()).collect());
    add("code", filter.code.iter().map(|code| code.as_str().to_owned()).collect());
    add("field", filter.field.clone());
    add("ecu", filter.ecu.clone());
    add("id", filter.id.iter().map(ToString::to_string).collect());
    add("ids-file", filter.ids_file.iter().map(|file| file.display().to_string()).collect());
    add("run", filter.run.iter().map(ToString::to_string).collect());
    add("since", scope.since.iter().map(chrono::DateTime::to_rfc3339).collect());
    (!words.is_empty()).then(|| words.join(" "))
}

/// Writes the report to `path`, replacing what is there only when the report is complete.
async fn write(
    config: &Config,
    path: &Path,
    format: Format,
    scope: &Scope,
    narrowed: Option<String>,
) -> anyhow::Result<Facts> {
    // First of all, so that a folder that is not there does not show after minutes of reading.
    let mut file = OutputFile::create(path, "the report").hint("name another file with --output")?;
    let database = connect(config).await?;
    let mut snapshot = database.begin_snapshot().await?;
    let gathering = Facts::gather(&mut snapshot, scope, narrowed, config.dates.timezone);
    let mut facts = gathering.await.map_err(explained)?;
    let mut book = match format {
        Format::Xlsx => Some(Book::begin(&file, &facts)?),
        Format::Csv | Format::Jsonl | Format::Html => None,
    };
    if scope.is_all() {
        facts.unaccounted = Some(compare(config, &database, &mut snapshot, book.as_mut()).await?);
    }
    // Of a report that is narrowed by more than a run, nobody knows before how many certificates it has.
    let expected = scope.only_run().map(|_| facts.summary.total());
    let mut pages = Pages { snapshot: &mut snapshot, scope, expected };
    let counted = match format {
        Format::Csv => table::write(&file, &mut pages).await?,
        Format::Jsonl => jsonl::write(&file, &mut pages).await?,
        Format::Html => pages.add_to((), |(), _| Ok(())).await?.1,
        Format::Xlsx => {
            let filling = book.take().context("the workbook is not there")?.fill(&file, &mut pages);
            let (filled, counted) = Box::pin(filling).await?;
            book = Some(filled);
            counted
        }
    };
    facts.count(counted);
    snapshot.rollback().await?;
    database.close().await;
    if let Some(book) = book {
        Box::pin(book.pack(&file, &facts)).await?;
    }
    if format == Format::Html {
        let doing = file.doing();
        file.file().write_all(html::page(&facts).as_bytes()).context(doing)?;
    }
    file.finish()?;
    Ok(facts)
}

async fn compare(
    config: &Config,
    database: &Database,
    snapshot: &mut Transaction,
    mut book: Option<&mut Book>,
) -> anyhow::Result<Unaccounted> {
    let mut take = |entry| book.as_mut().map_or(Ok(()), |book| book.add_unaccounted(&entry));
    let unaccounted = accounts::find(config, database, snapshot, &mut take).await?;
    for what in &unaccounted.not_compared {
        tracing::warn!("the report was not compared with {what}");
    }
    Ok(unaccounted)
}

async fn connect(config: &Config) -> anyhow::Result<Database> {
    let settings = Settings {
        url: config.database_url()?.expose().to_owned(),
        destination_schema: config.destination.schema.clone(),
        // One for the snapshot, one to look at the manifest meanwhile.
        max_connections: 2,
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

fn as_text(facts: &Facts, path: &Path) -> String {
    let Summary { migrated, failed, queued, skipped, reverted, .. } = facts.summary;
    let unaccounted = facts.unaccounted.as_ref().filter(|unaccounted| unaccounted.total() > 0);
    format!(
        "report: {}\ntotal: {}\nmigrated: {migrated}\nfailed: {failed}\nqueued: {queued}\nskipped: {skipped}\nreverted: {reverted}\n\
         success rate: {:.1}% ({migrated} migrated of {} finished){}",
        path.display(),
        facts.summary.total(),
        facts.summary.success_rate() * 100.0,
        migrated + failed,
        unaccounted.map(|unaccounted| format!("\nunaccounted: {unaccounted}")).unwrap_or_default(),
    )
}

fn as_json(facts: &Facts, path: &Path, format: Format) -> anyhow::Result<String> {
    #[derive(serde::Serialize)]
    struct Document<'a> {
        output: &'a str,
        format: &'a str,
        #[serde(flatten)]
        summary: &'a Summary,
        unaccounted: Option<&'a Unaccounted>,
        adds_up: bool,
    }
    let output = path.to_string_lossy();
    let adds_up = facts.contradictions.is_empty();
    let (summary, unaccounted) = (&facts.summary, facts.unaccounted.as_ref());
    Ok(serde_json::to_string(&Document { output: &output, format: format.extension(), summary, unaccounted, adds_up })?)
}
