//! How long each step of a batch takes, measured by the spans that traces have too.

use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::global;
use opentelemetry::metrics::Histogram;
use tracing::span::{Attributes, Id};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// From a read over a local socket to a batch that fills `worker.batch_timeout`, in seconds.
pub(crate) const BOUNDARIES: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0];

/// The steps of a batch.
pub(crate) const STEPS: [&str; 5] = ["claim", "read", "plan", "write", "commit"];

/// What the histograms are about.
pub(crate) const OF_BATCHES: &str = "How long a batch took, from its claim to its end.";
pub(crate) const OF_STEPS: &str = "How long a step of a batch took.";

/// The histogram of the durations of steps: seconds, by `step`.
#[must_use]
pub fn step_duration() -> Histogram<f64> {
    histogram("certferry.step.duration", OF_STEPS)
}

/// The histogram of the durations of batches: seconds.
#[must_use]
pub fn batch_duration() -> Histogram<f64> {
    histogram("certferry.batch.duration", OF_BATCHES)
}

/// A histogram of seconds.
fn histogram(name: &'static str, description: &'static str) -> Histogram<f64> {
    global::meter(crate::telemetry::SCOPE)
        .f64_histogram(name)
        .with_description(description)
        .with_unit("s")
        .with_boundaries(BOUNDARIES.to_vec())
        .build()
}

/// Notes the duration of each span under its name.
pub(crate) struct Durations {
    of_steps: Histogram<f64>,
}

/// When a span began.
struct Began(Instant);

impl Durations {
    pub(crate) fn new() -> Self {
        Self { of_steps: step_duration() }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Durations {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Began(Instant::now()));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if let Some(Began(began)) = span.extensions().get() {
            let step = KeyValue::new("step", Metadata::name(span.metadata()));
            self.of_steps.record(began.elapsed().as_secs_f64(), &[step]);
        }
    }
}
