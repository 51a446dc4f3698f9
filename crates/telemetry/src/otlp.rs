//! The way to a collector: OTLP over gRPC, from threads of their own, with what cannot be sent dropped.

use anyhow::Context as _;
use certferry_bootstrap::Hint;
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter};
use opentelemetry_sdk::metrics::{MeterProviderBuilder, PeriodicReader};
use opentelemetry_sdk::trace::TracerProviderBuilder;

use crate::patient::Patient;

/// Sends traces to the collector that the environment names; to be called inside the runtime.
pub(crate) fn sending_traces(provider: TracerProviderBuilder) -> anyhow::Result<TracerProviderBuilder> {
    let exporter = advised(SpanExporter::builder().with_tonic().build(), "traces")?;
    Ok(provider.with_batch_exporter(Patient::new("traces", exporter)))
}

/// Sends metrics to the collector that the environment names; to be called inside the runtime.
pub(crate) fn sending_metrics(provider: MeterProviderBuilder) -> anyhow::Result<MeterProviderBuilder> {
    let exporter = advised(MetricExporter::builder().with_tonic().build(), "metrics")?;
    Ok(provider.with_reader(PeriodicReader::builder(Patient::new("metrics", exporter)).build()))
}

fn advised<E>(built: Result<E, ExporterBuildError>, what: &'static str) -> anyhow::Result<E> {
    built
        .with_context(|| format!("could not prepare to send {what} to the collector"))
        .hint(
            "see to the variables OTEL_EXPORTER_OTLP_…; an endpoint is http://HOST:4317, or https:// where it has TLS",
        )
        .usage()
}
