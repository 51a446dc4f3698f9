//! Operations that go page by page, with progress, until they end or are interrupted.

use std::fmt;

use anyhow::anyhow;
use certferry_bootstrap::{Hint, Progress, Shutdown};
use certferry_operations::{Eligible, Observer};

/// Shows how far an operation is, and stops it between two pages at the first signal.
pub(crate) struct PageByPage<'a> {
    progress: Progress,
    shutdown: &'a Shutdown,
}

impl<'a> PageByPage<'a> {
    pub(crate) fn new(what: &str, shutdown: &'a Shutdown) -> Self {
        Self { progress: Progress::start(what, None), shutdown }
    }

    pub(crate) fn with_total(what: &str, total: Option<u64>, shutdown: &'a Shutdown) -> Self {
        Self { progress: Progress::start(what, total), shutdown }
    }

    pub(crate) fn finish(self) {
        self.progress.finish();
    }
}

impl Observer for PageByPage<'_> {
    fn advance(&self, certificates: u64) {
        self.progress.advance(certificates);
    }

    fn is_stopped(&self) -> bool {
        self.shutdown.is_requested()
    }
}

/// What a dry run leaves alone, and why, in words.
pub(crate) fn left_alone(eligible: &Eligible, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (state, certificates) in &eligible.ineligible {
        write!(f, "\nleft alone: {certificates} that are {state}")?;
    }
    if eligible.unknown > 0 {
        write!(f, "\nleft alone: {} that were never enqueued", eligible.unknown)?;
    }
    if !eligible.samples.is_empty() {
        let samples: Vec<String> = eligible.samples.iter().map(ToString::to_string).collect();
        let more = if eligible.selected > samples.len() as u64 { ", …" } else { "" };
        write!(f, "\nthey are: {}{more}", samples.join(", "))?;
    }
    Ok(())
}

/// The error of an operation that was interrupted, so that nobody takes what was selected for done.
pub(crate) fn interrupted() -> anyhow::Result<()> {
    Err(anyhow!("interrupted before the end")).hint("run it again for the others; what is done stays so")
}
