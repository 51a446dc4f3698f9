use certferry_bootstrap::{Config, ConfigArgs, Documentation, Flags};
use clap::Parser;

/// A worker that can be made to crash says so, lest anyone takes it for one that is meant to work.
const VERSION: &str = if cfg!(feature = "failpoints") {
    concat!(env!("CARGO_PKG_VERSION"), " with fail-points, for tests only")
} else {
    env!("CARGO_PKG_VERSION")
};

/// Migrates the certificates that wait in the queue. Run as many as you like, on as many machines as you like.
///
/// SIGTERM or Ctrl-C finishes what was begun and ends; a second one ends at once.
#[derive(Debug, Parser)]
#[command(name = "worker", version = VERSION)]
pub struct Cli {
    /// End when nothing is queued, running or waiting for a retry.
    #[arg(long)]
    pub drain: bool,

    /// Batches in flight at once, in place of worker.concurrency.
    #[arg(long, value_name = "N")]
    concurrency: Option<usize>,

    /// Certificates a batch, in place of `worker.batch_size`.
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,

    #[command(flatten)]
    config: ConfigArgs,

    #[command(subcommand)]
    pub(crate) documentation: Option<Documentation>,
}

impl Cli {
    /// The configuration in effect, or none when it was only to be shown.
    pub fn configuration(&self) -> anyhow::Result<Option<Config>> {
        let flags = Flags::new().set("--concurrency", "worker.concurrency", self.concurrency).set(
            "--batch-size",
            "worker.batch_size",
            self.batch_size,
        );
        self.config.load(flags)
    }
}
