use std::time::Duration;

use anyhow::Context as _;
use certferry_bootstrap::config::LogConfig;
use certferry_bootstrap::telemetry::{SPANS, SpanLayer, init_with};
use certferry_bootstrap::version;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::Registry;
use tokio::sync::oneshot;
use tracing::Metadata;
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::{Layer as _, Registry as Spans};

use crate::durations::Durations;
use crate::environment::Destinations;
use crate::exposition::Exposition;
use crate::otlp;

/// Who measures, in OpenTelemetry's words.
pub(crate) const SCOPE: &str = "certferry";

/// How long the end of the process waits for what is left to be sent.
const LAST_WORDS: Duration = Duration::from_millis(900);

/// Who gets the metrics of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// Nobody: it is over too soon.
    ForNobody,
    /// A collector, where there is one.
    ForCollector,
    /// A collector, and Prometheus, which has an address to read them from.
    ForAll,
}

/// The traces and metrics of a process, from its beginning to its end.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
    exposition: Option<Exposition>,
}

impl Telemetry {
    /// Starts the log, and traces and metrics as far as the environment asks for them. To be called inside the runtime, once.
    pub fn begin(program: &'static str, log: &LogConfig, measured: Measured) -> anyhow::Result<Self> {
        let mut destinations = Destinations::of(&|name| std::env::var(name).ok())?;
        destinations.metrics &= measured != Measured::ForNobody;
        destinations.prometheus &= measured == Measured::ForAll;
        let resource = || resource(program);
        let traces = if destinations.traces {
            Some(otlp::sending_traces(SdkTracerProvider::builder().with_resource(resource()))?.build())
        } else {
            None
        };
        let mut exposition = None;
        let mut readers = SdkMeterProvider::builder().with_resource(resource());
        if destinations.prometheus {
            let registry = Registry::new();
            let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone()).scope_info_enabled(false);
            readers = readers.with_reader(reader.build().context("could not prepare metrics for Prometheus")?);
            exposition = Some(Exposition::of(registry)?);
        }
        if destinations.metrics {
            readers = otlp::sending_metrics(readers)?;
        }
        let metrics = (destinations.metrics || exposition.is_some()).then(|| readers.build());

        let mut layers: Vec<SpanLayer> = Vec::new();
        if let Some(metrics) = &metrics {
            global::set_meter_provider(metrics.clone());
            layers.push(Box::new(Durations::new().with_filter(ours())));
        }
        if let Some(traces) = &traces {
            global::set_tracer_provider(traces.clone());
            if destinations.propagates {
                global::set_text_map_propagator(TraceContextPropagator::new());
            }
            let spans = tracing_opentelemetry::layer::<Spans>()
                .with_tracer(traces.tracer(SCOPE))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false);
            layers.push(Box::new(spans.with_filter(ours())));
        }
        init_with(log, layers, trace_id);
        for ignored in &destinations.ignored {
            tracing::warn!("ignored: {ignored}");
        }
        Ok(Self { traces, metrics, exposition })
    }

    /// Whether a collector gets traces.
    #[must_use]
    pub fn has_traces(&self) -> bool {
        self.traces.is_some()
    }

    /// What Prometheus reads, where it may.
    #[must_use]
    pub fn exposition(&self) -> Option<Exposition> {
        self.exposition.clone()
    }

    /// Sends what is left, for no longer than a second. To be called before the runtime ends, which the way to the collector
    /// needs.
    pub async fn end(self) {
        let (said, heard) = oneshot::channel();
        let ending = move || {
            let traces = self.traces.map(|traces| std::thread::spawn(move || traces.shutdown_with_timeout(LAST_WORDS)));
            if let Some(Err(error)) = self.metrics.map(|metrics| metrics.shutdown_with_timeout(LAST_WORDS)) {
                tracing::debug!(%error, "the last metrics were not sent");
            }
            if let Some(Ok(Err(error))) = traces.map(std::thread::JoinHandle::join) {
                tracing::debug!(%error, "the last traces were not sent");
            }
            // Whoever waited may have given up.
            said.send(()).ok();
        };
        // A thread of the runtime's own would hold up the runtime's end as well.
        std::thread::spawn(ending);
        if tokio::time::timeout(LAST_WORDS, heard).await.is_err() {
            tracing::debug!("the collector does not answer; the last traces and metrics are lost");
        }
    }
}

/// Who sends: the program's name and version, unless the environment says otherwise, and what it says besides.
fn resource(program: &'static str) -> Resource {
    let is_named = std::env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty())
        || std::env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|attributes| attributes.contains("service.name="));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    // Processes of one machine are told apart by it.
    let instance = format!("{}-{}", host.trim(), std::process::id());
    let resource = Resource::builder()
        .with_attribute(KeyValue::new("service.version", version::NUMBER))
        .with_attribute(KeyValue::new("service.instance.id", instance));
    if is_named { resource.build() } else { resource.with_service_name(program).build() }
}

/// The spans that are ours, and nothing more verbose: the level of the log goes on to rule out everything else at no cost.
fn ours() -> FilterFn {
    let is_ours: fn(&Metadata<'_>) -> bool = |metadata| metadata.is_span() && metadata.target() == SPANS;
    filter_fn(is_ours).with_max_level_hint(LevelFilter::INFO)
}

/// The trace that is under way where this is called.
fn trace_id() -> Option<String> {
    let context = Context::current();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}
