use std::sync::LazyLock;

use anyhow::anyhow;
use certferry_bootstrap::{Config, ConfigArgs, Documentation, FilterArgs, Flags, Hint, version};
use clap::{Args, Parser, Subcommand};

use crate::probe::Question;

/// What `--version` says. A worker that can be made to crash says so, lest anyone takes it for one that is meant to work.
fn long_version() -> &'static str {
    static WITH_REMARK: LazyLock<String> =
        LazyLock::new(|| format!("{} with fail-points, for tests only", version::long()));
    if cfg!(feature = "failpoints") { &WITH_REMARK } else { version::long() }
}

/// Migrates the certificates that wait in the queue. Run as many as you like, on as many machines as you like.
///
/// SIGTERM or Ctrl-C finishes what was begun and ends; a second one ends at once.
#[derive(Debug, Parser)]
#[command(name = "worker", version, long_version = long_version())]
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

    /// Ask the worker of this machine, at worker.listen, whether it makes progress (or whether it is ready to work), and end
    /// with 0 if so and else with 1.
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "live")]
    pub(crate) probe: Option<Question>,

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
        let has_flags = self.drain || self.probe.is_some() || self.concurrency.is_some() || self.batch_size.is_some();
        if has_flags && matches!(self.command, Some(Command::OneByOne(_))) {
            let message = "--drain, --concurrency, --batch-size and --probe are for workers, and one-by-one is none";
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
