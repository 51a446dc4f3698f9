//! The `worker` process.

use std::process::ExitCode;

use certferry_bootstrap::exit;
use certferry_worker::Cli;
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::run(certferry_worker::run(cli))
}
