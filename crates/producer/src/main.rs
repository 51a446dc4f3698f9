//! The `producer` process.

use std::process::ExitCode;

use certferry_bootstrap::exit;
use certferry_producer::Cli;
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::run(certferry_producer::run(cli))
}
