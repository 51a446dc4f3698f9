//! The log: structured lines on standard error, for people or for machines.

mod traced;

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use self::traced::Traced;
use crate::config::{LogConfig, LogFormat, LogLevel};
use crate::{hide_passwords, progress};

/// The target of spans that are there for traces and durations; the log shows nothing of them.
pub const SPANS: &str = "certferry::span";

/// Who else sees the spans of a process, beside the log.
pub type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Tells the trace that is under way, in hexadecimal; none where there is none.
pub type TraceId = fn() -> Option<String>;

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
    init_with(config, Vec::new(), || None);
}

/// Starts logging for the whole process, with others who see its spans; a second call changes nothing.
pub fn init_with(config: &LogConfig, others: Vec<SpanLayer>, trace_id: TraceId) {
    let filter = filter(config.level);
    let lines: SpanLayer = match config.format {
        LogFormat::Text => {
            let lines = fmt::layer().compact().with_target(false).with_ansi(io::stderr().is_terminal());
            lines.with_writer(AroundProgress).with_filter(filter).boxed()
        }
        LogFormat::Json => {
            let documents = fmt::layer().json().flatten_event(true).with_current_span(false);
            let documents = documents.map_event_format(|format| Traced::new(format, trace_id));
            documents.with_writer(AroundProgress).with_filter(filter).boxed()
        }
    };
    // Each has a filter of its own: a layer without one would want everything, and be it none at all.
    let mut layers = others;
    layers.push(lines);
    let started = tracing_subscriber::registry().with(layers).try_init();
    if started.is_ok() {
        // Set once, here only.
        FORMAT.get_or_init(|| config.format);
    }
}

/// Whether standard error carries JSON lines, so that nothing else may be written there.
pub(crate) fn is_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

/// What carries telemetry away is never logged: where nobody takes it, each attempt would be told of.
const CARRIERS: [&str; 6] = ["opentelemetry", "tonic", "h2", "hyper", "tower", "axum"];

/// Our own lines at the level asked for; libraries only from `warn` up, unless everything is wanted.
fn filter(level: LogLevel) -> EnvFilter {
    let mut directives = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        // The driver would quote each statement that takes a second; a report has those.
        LogLevel::Info => "info,sqlx=warn,sqlx::query=error,apalis=warn,apalis_core=warn,apalis_postgres=warn",
        LogLevel::Debug => "debug,sqlx=warn,apalis=info,apalis_core=info,apalis_postgres=info",
        LogLevel::Trace => "trace",
    }
    .to_owned();
    for target in CARRIERS.into_iter().chain([SPANS]) {
        directives = format!("{directives},{target}=off");
    }
    EnvFilter::new(directives)
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

#[cfg(test)]
mod tests {
    use tracing::{Level, event_enabled, span_enabled};

    use super::*;

    #[test]
    fn spans_are_disabled_where_nobody_asks_for_them_and_carriers_are_never_logged() {
        init(&LogConfig { level: LogLevel::Trace, format: LogFormat::Json });
        assert!(!span_enabled!(target: SPANS, Level::INFO));
        assert!(event_enabled!(target: "certferry_worker", Level::TRACE));
        assert!(!event_enabled!(target: "tonic::transport", Level::ERROR));
        assert!(!event_enabled!(target: "h2::client", Level::ERROR));
        assert!(!event_enabled!(target: "hyper_util::client", Level::ERROR));
        assert!(!event_enabled!(target: "opentelemetry_sdk", Level::ERROR));
    }
}
