use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::TraceId;

/// Writes a JSON document a line, with the `trace_id` of the trace that is under way, so that a line of the log leads to
/// its trace.
pub(super) struct Traced<F> {
    format: F,
    trace_id: TraceId,
}

impl<F> Traced<F> {
    pub(super) fn new(format: F, trace_id: TraceId) -> Self {
        Self { format, trace_id }
    }
}

impl<S, N, F> FormatEvent<S, N> for Traced<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(trace_id) = (self.trace_id)() else { return self.format.format_event(context, writer, event) };
        let mut line = String::new();
        self.format.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&with_trace_id(&line, &trace_id))
    }
}

/// A JSON document with one key more, the first.
fn with_trace_id(document: &str, trace_id: &str) -> String {
    match document.strip_prefix('{') {
        Some(rest) => format!("{{\"trace_id\":\"{trace_id}\",{rest}"),
        None => document.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_is_one_key_more() {
        assert_eq!(with_trace_id("{\"level\":\"INFO\"}\n", "00ff"), "{\"trace_id\":\"00ff\",\"level\":\"INFO\"}\n");
        assert_eq!(with_trace_id("no document", "00ff"), "no document");
    }
}
