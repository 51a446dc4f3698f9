//! `make demo`: a whole migration of generated certificates, by the real programs, from nothing to the report.

mod databases;
mod migration;
mod programs;
mod progress;
mod screen;

use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use screen::say;

/// The exit code of a program that Ctrl-C ended, as shells have it.
const INTERRUPTED: u8 = 130;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let stop = CancellationToken::new();
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    for signal in signals.into_iter().flatten() {
        tokio::spawn(pass_on(signal, stop.clone()));
    }
    match migration::run(&stop).await {
        _ if stop.is_cancelled() => {
            say("\nThe demo was stopped; nothing of it is running any more.");
            ExitCode::from(INTERRUPTED)
        }
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("\nThe demo could not go on: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn pass_on(mut signal: Signal, stop: CancellationToken) {
    signal.recv().await;
    stop.cancel();
}
