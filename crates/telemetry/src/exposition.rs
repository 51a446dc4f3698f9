use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, HistogramVec, Registry, TextEncoder};

use crate::durations::{BOUNDARIES, STEPS};

/// What Prometheus reads: every metric of the process as it is now.
#[derive(Clone, Debug)]
pub struct Exposition {
    registry: Registry,
    empty: Arc<[MetricFamily]>,
}

impl Exposition {
    /// The content type of the text.
    pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

    pub(crate) fn of(registry: Registry) -> anyhow::Result<Self> {
        Ok(Self { registry, empty: empty_histograms()?.into() })
    }

    /// The metrics in the text format of Prometheus.
    pub fn text(&self) -> anyhow::Result<String> {
        let mut families = self.registry.gather();
        add_missing(&mut families, &self.empty);
        Ok(TextEncoder::new().encode_to_string(&families)?)
    }
}

/// The histograms that there are, with nothing in them: OpenTelemetry has none of those, and Prometheus would miss the first
/// values of a series that appears with them.
fn empty_histograms() -> prometheus::Result<Vec<MetricFamily>> {
    let options = |name: &str, help: &str| HistogramOpts::new(name, help).buckets(BOUNDARIES.to_vec());
    let batches = Histogram::with_opts(options("certferry_batch_duration_seconds", crate::durations::OF_BATCHES))?;
    let steps = options("certferry_step_duration_seconds", crate::durations::OF_STEPS);
    let steps = HistogramVec::new(steps, &["step"])?;
    for step in STEPS {
        steps.get_metric_with_label_values(&[step])?;
    }
    Ok([batches.collect(), steps.collect()].concat())
}

/// Adds each series that is not there yet.
fn add_missing(families: &mut Vec<MetricFamily>, empty: &[MetricFamily]) {
    for all in empty {
        let Some(family) = families.iter_mut().find(|family| family.name() == all.name()) else {
            families.push(all.clone());
            continue;
        };
        for series in all.get_metric() {
            if family.get_metric().iter().all(|there| there.get_label() != series.get_label()) {
                family.mut_metric().push(series.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_there_before_its_first_value_and_stays_what_it_is() {
        let registry = Registry::new();
        let exposition = Exposition::of(registry.clone()).unwrap();
        let text = exposition.text().unwrap();
        assert!(text.contains("certferry_batch_duration_seconds_count 0\n"), "{text}");
        for step in STEPS {
            let series = format!("certferry_step_duration_seconds_count{{step=\"{step}\"}} 0\n");
            assert!(text.contains(&series), "{text}");
        }

        let options = HistogramOpts::new("certferry_step_duration_seconds", "help").buckets(BOUNDARIES.to_vec());
        let steps = HistogramVec::new(options, &["step"]).unwrap();
        registry.register(Box::new(steps.clone())).unwrap();
        steps.with_label_values(&["read"]).observe(1.0);
        let text = exposition.text().unwrap();
        for (step, count) in [("read", 1), ("write", 0)] {
            let series = format!("certferry_step_duration_seconds_count{{step=\"{step}\"}} {count}\n");
            assert_eq!(text.matches(&series).count(), 1, "{text}");
        }
        assert_eq!(text.matches("# TYPE certferry_step_duration_seconds histogram").count(), 1);
        assert_eq!(text.matches("certferry_step_duration_seconds_count").count(), STEPS.len());
    }
}
