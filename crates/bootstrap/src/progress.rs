//! How far long work is: a bar on a terminal, a plain line every few seconds elsewhere. Always on standard error.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::telemetry;

/// How often a plain line is written.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// The bars of this process; log lines go around them.
pub(crate) fn bars() -> &'static MultiProgress {
    static BARS: OnceLock<MultiProgress> = OnceLock::new();
    BARS.get_or_init(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)))
}

/// One piece of long work. Dropping it takes the bar away; [`Progress::finish`] leaves a last line.
#[derive(Debug)]
pub struct Progress {
    what: String,
    bar: ProgressBar,
    plain: Option<Mutex<Instant>>,
    started: Instant,
}

impl Progress {
    /// Begins work such as `enqueueing certificates`, of so many pieces when that is known.
    #[must_use]
    pub fn start(what: &str, total: Option<u64>) -> Self {
        Self::begin(what, total, io::stderr().is_terminal() && !telemetry::is_json())
    }

    fn begin(what: &str, total: Option<u64>, on_terminal: bool) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden()).with_message(what.to_owned());
        let bar = if on_terminal {
            let bar = bars().add(bar);
            bar.set_style(style(total.is_some()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        } else {
            bar
        };
        let plain = (!on_terminal).then(|| Mutex::new(Instant::now()));
        Self { what: what.to_owned(), bar, plain, started: Instant::now() }
    }

    /// Another `pieces` are done.
    pub fn advance(&self, pieces: u64) {
        self.bar.inc(pieces);
        self.tell();
    }

    /// So many pieces are done altogether.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
        self.tell();
    }

    /// The total has become known, or changed.
    pub fn set_total(&self, total: u64) {
        if self.bar.length() != Some(total) {
            self.bar.set_length(total);
            self.bar.set_style(style(true));
        }
    }

    /// The work is done: says how much in what time.
    pub fn finish(self) {
        self.bar.finish_and_clear();
        let seconds = self.started.elapsed().as_secs_f64();
        self.line(&format!("{}: {} in {seconds:.1}s", self.what, self.bar.position()));
    }

    fn tell(&self) {
        let Some(last) = &self.plain else { return };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= PLAIN_INTERVAL {
            *last = Instant::now();
            self.line(&plain_line(&self.what, self.bar.position(), self.bar.length(), self.started.elapsed()));
        }
    }

    fn line(&self, line: &str) {
        if telemetry::is_json() {
            tracing::info!(done = self.bar.position(), total = self.bar.length(), "{}", self.what);
        } else {
            // Progress is a courtesy: work goes on when nobody can read it.
            drop(bars().suspend(|| writeln!(io::stderr(), "{line}")));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(with_total: bool) -> ProgressStyle {
    let template = if with_total {
        "{msg} {wide_bar} {human_pos}/{human_len} {percent}% {per_sec} {eta} left"
    } else {
        "{msg} {spinner} {human_pos} {per_sec}"
    };
    ProgressStyle::with_template(template).expect("the templates above are valid")
}

#[expect(clippy::cast_precision_loss, reason = "for display")]
fn plain_line(what: &str, done: u64, total: Option<u64>, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let mut line = format!("{what}: {done}");
    let known = total.filter(|total| *total > 0).map(|total| {
        let percent = 100.0 * done as f64 / total as f64;
        let left = total.saturating_sub(done) as f64 / rate;
        write!(line, " of {total} ({percent:.0}%), {rate:.0}/s").map(|()| left)
    });
    match known {
        Some(Ok(left)) if left.is_finite() => line + &format!(", {left:.0}s left"),
        Some(_) => line,
        None => line + &format!(", {rate:.0}/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_says_how_far_how_fast_and_how_long() {
        let elapsed = Duration::from_secs(10);
        insta::assert_snapshot!(plain_line("enqueueing", 500, Some(2000), elapsed), @"enqueueing: 500 of 2000 (25%), 50/s, 30s left");
        insta::assert_snapshot!(plain_line("enqueueing", 500, None, elapsed), @"enqueueing: 500, 50/s");
        insta::assert_snapshot!(plain_line("enqueueing", 0, Some(2000), elapsed), @"enqueueing: 0 of 2000 (0%), 0/s");
        insta::assert_snapshot!(plain_line("enqueueing", 0, Some(0), elapsed), @"enqueueing: 0, 0/s");
    }

    #[test]
    fn counts_on_a_terminal_and_elsewhere() {
        for on_terminal in [true, false] {
            let progress = Progress::begin("counting", None, on_terminal);
            progress.advance(3);
            progress.advance(4);
            progress.set_total(9);
            assert_eq!((progress.bar.position(), progress.bar.length()), (7, Some(9)));
            progress.set(9);
            assert_eq!(progress.bar.position(), 9);
        }
    }
}
