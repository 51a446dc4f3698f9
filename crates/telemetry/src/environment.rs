//! OpenTelemetry's variables of the environment that its SDK leaves to the program.

use anyhow::anyhow;
use certferry_bootstrap::Hint;

/// Where traces and metrics go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a destination of its own, and any of them go together")]
pub(crate) struct Destinations {
    /// Whether a collector gets traces.
    pub(crate) traces: bool,
    /// Whether a collector gets metrics.
    pub(crate) metrics: bool,
    /// Whether Prometheus may read metrics, where there is an address for it.
    pub(crate) prometheus: bool,
    /// Whether jobs carry the context of the trace that pushed them.
    pub(crate) propagates: bool,
    /// What was set and means nothing here.
    pub(crate) ignored: Vec<String>,
}

/// A kind of what is sent to a collector.
#[derive(Clone, Copy, Debug)]
struct Signal {
    name: &'static str,
    exporters: &'static [&'static str],
}

const TRACES: Signal = Signal { name: "TRACES", exporters: &["none", "otlp"] };
const METRICS: Signal = Signal { name: "METRICS", exporters: &["none", "otlp", "prometheus"] };

impl Destinations {
    /// Reads them; an error of usage where something is asked for that cannot be had.
    pub(crate) fn of(variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let value = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        if value("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(Self::default());
        }
        let mut ignored = Vec::new();
        let (traces, metrics) = (TRACES.exporters_named(&value)?, METRICS.exporters_named(&value)?);
        Ok(Self {
            traces: wants(traces.as_deref(), "otlp") && TRACES.has_collector(&value)?,
            metrics: wants(metrics.as_deref(), "otlp") && METRICS.has_collector(&value)?,
            prometheus: wants(metrics.as_deref(), "prometheus"),
            propagates: propagates(value("OTEL_PROPAGATORS"), &mut ignored),
            ignored,
        })
    }
}

/// Whether an exporter is used: each that can be, where none is named.
fn wants(exporters: Option<&[String]>, exporter: &str) -> bool {
    exporters.is_none_or(|exporters| exporters.iter().any(|named| named == exporter))
}

impl Signal {
    /// The exporters that `OTEL_…_EXPORTER` names; none where it is not set.
    fn exporters_named(self, value: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Option<Vec<String>>> {
        let name = format!("OTEL_{}_EXPORTER", self.name);
        let Some(list) = value(&name) else { return Ok(None) };
        let exporters: Vec<String> = list.split(',').map(|exporter| exporter.trim().to_ascii_lowercase()).collect();
        match exporters.iter().find(|exporter| !self.exporters.contains(&exporter.as_str())) {
            Some(unknown) => Err(anyhow!("{name} is `{unknown}`; accepted is {}", self.exporters.join(", ")))
                .hint("OTLP over gRPC goes to a collector, which can pass it on in any other form")
                .usage(),
            None => Ok(Some(exporters)),
        }
    }

    /// Whether a collector is named that takes the signal. It is spoken to by gRPC alone.
    fn has_collector(self, value: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<bool> {
        let of_signal_or_all = |what: &str| {
            let names = [format!("OTEL_EXPORTER_OTLP_{}_{what}", self.name), format!("OTEL_EXPORTER_OTLP_{what}")];
            names.into_iter().find_map(|name| value(&name).map(|value| (name, value)))
        };
        if of_signal_or_all("ENDPOINT").is_none() {
            return Ok(false);
        }
        match of_signal_or_all("PROTOCOL") {
            Some((name, protocol)) if protocol != "grpc" => Err(anyhow!(
                "{name} is `{protocol}`, and OTLP is sent by gRPC alone; accepted is `grpc`"
            ))
            .hint("leave it out, and name the collector's port for gRPC, which is 4317 where 4318 is the one for HTTP")
            .usage(),
            _ => Ok(true),
        }
    }
}

/// Whether the propagators that are named include the one by which a trace goes on from a job; it is among the standard's
/// own where none is named. Baggage is never put into a job.
fn propagates(named: Option<String>, ignored: &mut Vec<String>) -> bool {
    let named = named.unwrap_or_else(|| "tracecontext,baggage".to_owned());
    let mut propagates = false;
    for propagator in named.split(',').map(str::trim) {
        match propagator {
            "tracecontext" => propagates = true,
            "baggage" | "none" => {}
            other => ignored.push(format!("OTEL_PROPAGATORS has `{other}`; known are tracecontext, baggage and none")),
        }
    }
    propagates
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317");

    fn read(variables: &[(&str, &str)]) -> anyhow::Result<Destinations> {
        let variables = variables.to_vec();
        Destinations::of(&move |name| {
            let (_, value) = variables.iter().find(|(variable, _)| *variable == name)?;
            Some((*value).to_owned())
        })
    }

    /// Traces to a collector, metrics to a collector, metrics for Prometheus.
    fn going(variables: &[(&str, &str)]) -> [bool; 3] {
        let destinations = read(variables).unwrap();
        [destinations.traces, destinations.metrics, destinations.prometheus]
    }

    #[test]
    fn nothing_is_sent_unless_a_collector_is_named() {
        assert_eq!(going(&[]), [false, false, true]);
        assert_eq!(going(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), [false, false, true]);
        assert_eq!(going(&[("OTEL_TRACES_EXPORTER", "otlp")]), [false, false, true]);
        assert_eq!(going(&[ENDPOINT]), [true, true, true]);
        assert_eq!(going(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a:4317")]), [true, false, true]);
        assert_eq!(going(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://a:4317")]), [false, true, true]);
    }

    #[test]
    fn exporters_are_chosen_by_name_and_all_can_be_disabled() {
        assert_eq!(going(&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")]), [false, true, true]);
        assert_eq!(going(&[ENDPOINT, ("OTEL_METRICS_EXPORTER", "none")]), [true, false, false]);
        assert_eq!(going(&[ENDPOINT, ("OTEL_METRICS_EXPORTER", "otlp")]), [true, true, false]);
        assert_eq!(going(&[ENDPOINT, ("OTEL_METRICS_EXPORTER", "Prometheus")]), [true, false, true]);
        assert_eq!(going(&[ENDPOINT, ("OTEL_METRICS_EXPORTER", "otlp, prometheus")]), [true, true, true]);
        assert_eq!(going(&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")]), [false, false, false]);
        assert_eq!(going(&[ENDPOINT, ("OTEL_SDK_DISABLED", "1")]), [true, true, true], "only true is true");
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        for (variables, says) in [
            (
                &[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")][..],
                "OTEL_EXPORTER_OTLP_PROTOCOL is `http/protobuf`",
            ),
            (&[ENDPOINT, ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")], "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is"),
            (&[("OTEL_TRACES_EXPORTER", "zipkin")], "OTEL_TRACES_EXPORTER is `zipkin`; accepted is none, otlp"),
            (&[("OTEL_TRACES_EXPORTER", "prometheus")], "OTEL_TRACES_EXPORTER is `prometheus`"),
            (&[("OTEL_METRICS_EXPORTER", "otlp,console")], "OTEL_METRICS_EXPORTER is `console`"),
        ] {
            assert!(read(variables).unwrap_err().to_string().starts_with(says), "{says}");
        }
        let of_traces = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc");
        let of_all = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        assert!(read(&[ENDPOINT, of_traces, of_all, ("OTEL_METRICS_EXPORTER", "none")]).is_ok(), "each signal its own");
        assert!(read(&[of_all]).is_ok(), "where nothing is sent it says nothing");
    }

    #[test]
    fn a_context_goes_with_the_jobs_unless_that_is_turned_off() {
        for (named, propagates, ignored) in [
            (None, true, 0),
            (Some("tracecontext"), true, 0),
            (Some("b3, tracecontext"), true, 1),
            (Some("baggage"), false, 0),
            (Some("none"), false, 0),
        ] {
            let variables: Vec<_> = named.map(|named| ("OTEL_PROPAGATORS", named)).into_iter().collect();
            let destinations = read(&variables).unwrap();
            assert_eq!((destinations.propagates, destinations.ignored.len()), (propagates, ignored), "{named:?}");
        }
    }
}
