//! An exporter that says once that nobody takes what it has, and once that somebody does again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// An exporter of traces or metrics to a collector, and whether the collector took the last of them.
#[derive(Debug)]
pub(crate) struct Patient<E> {
    exporter: E,
    what: &'static str,
    is_failing: AtomicBool,
}

impl<E> Patient<E> {
    pub(crate) fn new(what: &'static str, exporter: E) -> Self {
        Self { exporter, what, is_failing: AtomicBool::new(false) }
    }

    fn note(&self, result: OTelSdkResult) -> OTelSdkResult {
        let was_failing = self.is_failing.swap(result.is_err(), Ordering::Relaxed);
        match &result {
            Err(error) if !was_failing => {
                // The reason may be a page of the transport's own.
                tracing::debug!(%error, "why the collector took nothing");
                tracing::warn!(
                    "the collector does not take {}; trying on, the migration is not affected, and what it does not take is lost",
                    self.what
                );
            }
            Ok(()) if was_failing => tracing::info!("the collector takes {} again", self.what),
            _ => {}
        }
        result
    }
}

impl<E: SpanExporter> SpanExporter for Patient<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.note(self.exporter.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Patient<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.note(self.exporter.export(metrics).await)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
