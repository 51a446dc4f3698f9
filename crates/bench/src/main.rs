//! `make bench`: what Certferry is worth on this machine, against the script people use today and against the database
//! alone, all in one run and on the same data.

mod arena;
mod certferry;
mod commands;
mod floor;
mod goals;
mod machine;
mod meter;
mod options;
mod phases;
mod process;
mod profile;
mod program;
mod queue_alone;
mod report;
mod results;
mod script;
mod single;

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use options::Options;

/// The exit code of wrong usage, as Certferry's own programs have it.
const USAGE: u8 = 2;

/// The exit code of a program that Ctrl-C ended, as shells have it.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::from_environment() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("bench: {error:#}");
            return ExitCode::from(USAGE);
        }
    };
    tokio::select! {
        ended = run(&options) => match ended {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("bench: {error:#}");
                ExitCode::FAILURE
            }
        },
        // Dropping the run ends its server and its programs.
        () = told_to_stop() => ExitCode::from(INTERRUPTED),
    }
}

async fn told_to_stop() {
    let Ok(mut interrupt) = signal(SignalKind::interrupt()) else { return std::future::pending().await };
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Measures, and writes the report. False when a part of it could not be measured.
async fn run(options: &Options) -> Result<bool> {
    let results = phases::run(options).await?;
    let text = report::markdown(&results, options)?;
    let path = options.report_path();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&path, &text).with_context(|| format!("could not write {}", path.display()))?;
    println!("\n{text}\nWritten to {}.", path.display());
    Ok(results.failures.is_empty())
}
