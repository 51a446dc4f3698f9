//! `reporter`: writes what became of every certificate. See `--help`.

use std::process::ExitCode;

use certferry_bootstrap::exit;
use certferry_reporter::Cli;
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::run(certferry_reporter::run(cli))
}
