//! Operations that go page by page, with progress, until they end or are interrupted.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::anyhow;
use certferry_bootstrap::{Hint, Progress, Shutdown};
use certferry_operations::{Eligible, Observer};

use crate::interruption;

/// Shows how far an operation is, and stops it between two pages at the first signal.
pub(crate) struct PageByPage<'a> {
    what: &'a str,
    /// None before the operation begins and when it has ended.
    progress: Mutex<Option<Progress>>,
    shutdown: &'a Shutdown,
}

impl<'a> PageByPage<'a> {
    pub(crate) fn new(what: &'a str, shutdown: &'a Shutdown) -> Self {
        Self::with_total(what, None, shutdown)
    }

    pub(crate) fn with_total(what: &'a str, total: Option<u64>, shutdown: &'a Shutdown) -> Self {
        Self { what, progress: Mutex::new(Some(Progress::start(what, total))), shutdown }
    }

    /// For an operation that counts certificates first, and shows nothing until it says that it begins.
    pub(crate) fn counted_first(what: &'a str, shutdown: &'a Shutdown) -> Self {
        Self { what, progress: Mutex::new(None), shutdown }
    }

    pub(crate) fn finish(self) {
        if let Some(progress) = self.progress().take() {
            progress.finish();
        }
    }

    fn progress(&self) -> MutexGuard<'_, Option<Progress>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for PageByPage<'_> {
    fn begin(&self, certificates: Option<u64>) {
        *self.progress() = Some(Progress::start(self.what, certificates));
    }

    fn advance(&self, certificates: u64) {
        if let Some(progress) = &*self.progress() {
            progress.advance(certificates);
        }
    }

    fn end(&self, certificates: u64) {
        if let Some(progress) = self.progress().take() {
            progress.set_total(certificates);
            progress.finish();
        }
    }

    fn is_stopped(&self) -> bool {
        self.shutdown.is_requested()
    }

    async fn until_stopped<T: Send>(&self, work: impl Future<Output = T> + Send) -> Option<T> {
        self.shutdown.interrupting(work).await
    }

    async fn until_dropped<T: Send>(&self, work: impl Future<Output = T> + Send) -> Option<T> {
        interruption::finish(work, self.shutdown).await
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
