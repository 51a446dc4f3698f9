//! The `worker` process.

use std::process::ExitCode;

use certferry_bootstrap::exit;
use certferry_worker::Cli;
use clap::Parser;

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _armed = fail::FailScenario::setup();
    let cli = Cli::parse();
    exit::run(certferry_worker::run(cli))
}
