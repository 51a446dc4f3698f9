//! The producer: prepares a migration, fills the queue, and says how far it is. It migrates nothing itself.
//!
//! One module a command; each returns its result, which is printed for a person or as one JSON document.

mod check;
mod cli;
mod connections;
mod enqueue;
mod explain;
mod export_mappings;
mod figures;
mod import_mappings;
mod interruption;
mod limiting;
mod lock_wait;
mod mapping_file;
mod missing;
mod page_by_page;
mod pausing;
mod retry;
mod revert;
mod runs;
mod setup;
mod show;
mod skip;
mod status;
mod verify;
mod watch;
mod workbook_ids;

use std::fmt::Display;

use anyhow::{Context, anyhow};
use certferry_bootstrap::{Config, Flags, Hint, Shutdown, output};
use certferry_telemetry::{Measured, Telemetry};
use clap::CommandFactory as _;
use serde::Serialize;

pub use cli::Cli;
use cli::Command;

/// Runs the command of the command line.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    // Before the configuration is read: whoever asks may be mending it.
    match &cli.command {
        _ if cli.config.check_config => {}
        Some(Command::Explain(arguments)) => return explain::run(arguments, cli.json),
        Some(Command::Documentation(documentation)) => return documentation.print(Cli::command()),
        _ => {}
    }
    let Some(config) = cli.config.load(Flags::new())? else { return Ok(()) };
    let telemetry = Telemetry::begin("certferry-producer", &config.log, Measured::ForNobody)?;
    let result = Box::pin(run_command(cli, &config)).await;
    telemetry.end().await;
    result
}

async fn run_command(cli: Cli, config: &Config) -> anyhow::Result<()> {
    let command = cli.command.ok_or_else(|| anyhow!("no command was given")).hint("see `producer --help`").usage()?;
    let shutdown = Shutdown::listen().context("could not listen for signals")?;
    match command {
        Command::Setup(arguments) => print(cli.json, &setup::run(config, &arguments, &shutdown).await?),
        Command::ImportMappings(arguments) => {
            print(cli.json, &import_mappings::run(config, &arguments, &shutdown).await?)
        }
        Command::ExportMappings(arguments) => {
            print(cli.json, &export_mappings::run(config, &arguments, &shutdown).await?)
        }
        Command::Pause(arguments) => print(cli.json, &pausing::pause(config, &arguments, &shutdown).await?),
        Command::Resume => print(cli.json, &pausing::resume(config, &shutdown).await?),
        Command::Limit(arguments) => print(cli.json, &limiting::run(config, &arguments, &shutdown).await?),
        Command::Check(arguments) => {
            let checked = check::run(config, &arguments, &shutdown).await?;
            print(cli.json, &checked)?;
            checked.into_result()
        }
        Command::Enqueue(arguments) => {
            let enqueued = Box::pin(enqueue::run(config, &arguments, &shutdown)).await?;
            print(cli.json, &enqueued)?;
            enqueued.into_result()
        }
        Command::Retry(arguments) => {
            let retried = retry::run(config, &arguments, &shutdown).await?;
            print(cli.json, &retried)?;
            retried.into_result()
        }
        Command::Explain(arguments) => explain::run(&arguments, cli.json),
        Command::Documentation(documentation) => documentation.print(Cli::command()),
        Command::Skip(arguments) => {
            let skipped = skip::run(config, &arguments, &shutdown).await?;
            print(cli.json, &skipped)?;
            skipped.into_result()
        }
        Command::Cancel(arguments) => {
            let skipped = skip::cancel(config, &arguments, &shutdown).await?;
            print(cli.json, &skipped)?;
            skipped.into_result()
        }
        Command::Revert(arguments) => {
            let outcome = revert::run(config, &arguments, &shutdown).await?;
            print(cli.json, &outcome)?;
            outcome.into_result()
        }
        Command::Verify(cli::Verify { accept: Some(id), reason, .. }) => {
            let reason = reason.unwrap_or_default();
            print(cli.json, &verify::accept(config, id, &reason, &shutdown).await?)
        }
        Command::Verify(arguments) => {
            let verified = verify::run(config, &arguments, &shutdown).await?;
            print(cli.json, &verified)?;
            verified.into_result()
        }
        Command::Runs(arguments) => print(cli.json, &runs::run(config, &arguments, &shutdown).await?),
        Command::Show(arguments) => print(cli.json, &show::run(config, &arguments, &shutdown).await?),
        Command::Status(arguments) => status::run(config, &arguments, cli.json, &shutdown).await,
    }
}

/// Prints the result of a command.
fn print(json: bool, result: &(impl Display + Serialize)) -> anyhow::Result<()> {
    let text = if json { serde_json::to_string(result)? } else { result.to_string() };
    Ok(output::line(text)?)
}
