//! How far the workers are: a bar on a terminal, a line every few seconds elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::screen::say;

/// How often `producer status` is asked.
pub(crate) const INTERVAL: Duration = Duration::from_millis(500);

/// How often a line is printed where there is no terminal.
const LINES: Duration = Duration::from_secs(3);

/// How many certificates are in which state.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) total: u64,
    pub(crate) migrated: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    pub(crate) fn of(status: &serde_json::Value) -> Self {
        let count = |name: &str| status[name].as_u64().unwrap_or(0);
        Self { total: count("total"), migrated: count("migrated"), failed: count("failed"), skipped: count("skipped") }
    }

    /// How many have come to their end, this way or that.
    pub(crate) fn finished(self) -> u64 {
        self.migrated + self.failed + self.skipped
    }
}

/// The progress of the two workers.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    pub(crate) fn new(counts: Counts) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "    {bar:40} {human_pos}/{human_len} {msg} {per_sec} {eta}";
            let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(counts.total).with_style(style);
            bar.set_position(counts.finished());
            bar.reset_eta();
            bar
        });
        Self { bar, last_line: Instant::now() }
    }

    pub(crate) fn show(&mut self, counts: Counts) {
        let failed = format!("({} cannot be migrated)", HumanCount(counts.failed));
        match &self.bar {
            Some(bar) => {
                bar.set_length(counts.total);
                bar.set_message(failed);
                bar.set_position(counts.finished());
            }
            None if self.last_line.elapsed() >= LINES => {
                say(&format!("    {} of {} {failed}", HumanCount(counts.finished()), HumanCount(counts.total)));
                self.last_line = Instant::now();
            }
            None => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
