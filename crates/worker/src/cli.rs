use anyhow::anyhow;
use certferry_bootstrap::{Config, ConfigArgs, Documentation, FilterArgs, Flags, Hint};
use clap::{Args, Parser, Subcommand};

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
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show one certificate after the other, with what it would become, and migrate each only when a person says so.
    ///
    /// Without a filter: certificates that were never enqueued, and those that are queued, by id. Each is claimed while it is
    /// shown, so that workers and other people leave it alone; this works beside them, and while the run is paused. After each
    /// certificate one line is read: `m` migrates it (with issues: records it as failed), `s REASON` skips it, `d` decides
    /// later, `b` goes back to the one before, `q` ends. The end of the input ends too.
    OneByOne(OneByOne),
    #[command(flatten)]
    Documentation(Documentation),
}

#[derive(Debug, Args)]
pub(crate) struct OneByOne {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,

    /// Print one JSON document a line: a certificate, what came of an answer, at last the tally.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Cli {
    /// The configuration in effect, or none when it was only to be shown.
    pub fn configuration(&self) -> anyhow::Result<Option<Config>> {
        let has_flags = self.drain || self.concurrency.is_some() || self.batch_size.is_some();
        if has_flags && matches!(self.command, Some(Command::OneByOne(_))) {
            let message = "--drain, --concurrency and --batch-size are for workers, and one-by-one is none";
            return Err(anyhow!(message)).hint("leave them out").usage();
        }
        let flags = Flags::new().set("--concurrency", "worker.concurrency", self.concurrency).set(
            "--batch-size",
            "worker.batch_size",
            self.batch_size,
        );
        self.config.load(flags)
    }
}
