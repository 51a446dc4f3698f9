//! The log: structured lines on standard error, for people or for machines.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogConfig, LogFormat, LogLevel};
use crate::{hide_passwords, progress};

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// The most lines that wait for a terminal that shows a full screen; the oldest ones go.
const HELD: usize = 100;

/// Lines that wait; none while they are written at once.
static WAITING: Mutex<Option<VecDeque<String>>> = Mutex::new(None);

/// Lets lines wait from now on where standard error is a terminal, which shows a full screen.
pub fn hold() {
    if io::stderr().is_terminal() {
        *WAITING.lock().unwrap_or_else(PoisonError::into_inner) = Some(VecDeque::new());
    }
}

/// Writes the lines that wait, and those to come at once.
pub fn release() {
    let waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner).take();
    for line in waiting.into_iter().flatten() {
        if io::stderr().write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}

/// Whether the line waits now.
fn holds(line: &str) -> bool {
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(lines) = waiting.as_mut() else { return false };
    if lines.len() == HELD {
        lines.pop_front();
    }
    lines.push_back(line.to_owned());
    true
}

/// Starts logging for the whole process; a second call changes nothing.
pub fn init(config: &LogConfig) {
    let builder = tracing_subscriber::fmt().with_env_filter(filter(config.level)).with_writer(AroundProgress);
    let started = match config.format {
        LogFormat::Text => builder.compact().with_target(false).with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    if started.is_ok() {
        // Set once, here only.
        FORMAT.get_or_init(|| config.format);
    }
}

/// Whether standard error carries JSON lines, so that nothing else may be written there.
pub(crate) fn is_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

/// Our own lines at the level asked for; libraries only from `warn` up, unless everything is wanted.
fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::new(match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        // The driver would quote each statement that takes a second; a report has those.
        LogLevel::Info => "info,sqlx=warn,sqlx::query=error,apalis=warn,apalis_core=warn,apalis_postgres=warn",
        LogLevel::Debug => "debug,sqlx=warn,apalis=info,apalis_core=info,apalis_postgres=info",
        LogLevel::Trace => "trace",
    })
}

/// Standard error, with a progress bar out of the way while a line is written.
#[derive(Clone, Copy, Debug)]
struct AroundProgress;

impl Write for AroundProgress {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // One event at a time, whole: an error may quote a query, and a query may hold a password.
        let line = String::from_utf8_lossy(bytes);
        let line = hide_passwords(&line);
        if !holds(&line) {
            progress::bars().suspend(|| io::stderr().write_all(line.as_bytes()))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for AroundProgress {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}
