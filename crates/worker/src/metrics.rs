//! What is measured of a worker. Prometheus shows `certferry.batch.duration` as `certferry_batch_duration_seconds`, a counter
//! with `_total` behind it. Where nobody asked for metrics, measuring is nothing.

use std::sync::Arc;
use std::time::Duration;

use certferry_bootstrap::version;
use certferry_certificate::Code;
use certferry_source::Usage;
use opentelemetry::metrics::{Counter, Histogram, Meter};
use opentelemetry::{KeyValue, global};

use crate::health::Health;
use crate::in_flight::InFlight;
use crate::lease::Lease;
use crate::memory::Memory;
use crate::tally::Counts;

/// Who measures, in OpenTelemetry's words.
const SCOPE: &str = "certferry";

/// What is counted and timed as it happens.
#[derive(Debug)]
pub(crate) struct Metrics {
    certificates: Counter<u64>,
    attempts: Counter<u64>,
    late_results: Counter<u64>,
    rescued_jobs: Counter<u64>,
    batch_duration: Histogram<f64>,
    step_duration: Histogram<f64>,
}

impl Metrics {
    /// Begins at 0: a rate that has not begun is no rate.
    pub(crate) fn new() -> Self {
        let meter = global::meter(SCOPE);
        let counter = |name: &'static str, description: &'static str| {
            meter.u64_counter(name).with_description(description).build()
        };
        let metrics = Self {
            certificates: counter("certferry.certificates", "Certificates by what became of them."),
            attempts: counter("certferry.attempts", "Attempts at certificates that count as such."),
            late_results: counter("certferry.late_results", "Results that came after another worker's."),
            rescued_jobs: counter("certferry.rescued_jobs", "Jobs put back for workers that died."),
            batch_duration: certferry_telemetry::batch_duration(),
            step_duration: certferry_telemetry::step_duration(),
        };
        for outcome in ["migrated", "skipped"] {
            metrics.certificates(outcome, None, 0);
        }
        for code in Code::ALL {
            metrics.certificates("failed", Some(*code), 0);
            if !code.is_permanent() {
                metrics.certificates("retried", Some(*code), 0);
            }
        }
        for counter in [&metrics.attempts, &metrics.late_results, &metrics.rescued_jobs] {
            counter.add(0, &[]);
        }
        meter
            .u64_observable_gauge("certferry.build_info")
            .with_description("Which version runs; always 1.")
            .with_callback(|gauge| {
                let commit = KeyValue::new("commit", version::COMMIT);
                gauge.observe(1, &[KeyValue::new("version", version::NUMBER), commit]);
            })
            .build();
        metrics
    }

    /// Counts what became of certificates.
    pub(crate) fn add(&self, counts: &Counts) {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.certificates("migrated", None, number(counts.migrated));
        for (code, count) in &counts.failed {
            self.certificates("failed", Some(*code), number(*count));
        }
        for (code, count) in &counts.retried {
            self.certificates("retried", Some(*code), number(*count));
        }
        let retried: usize = counts.retried.values().sum();
        self.attempts.add(number(counts.migrated + counts.failed() + retried), &[]);
        self.late_results.add(number(counts.late), &[]);
    }

    /// Counts a certificate that a person set aside.
    pub(crate) fn add_skipped(&self) {
        self.certificates("skipped", None, 1);
    }

    /// Counts jobs that were put back for a worker that died, of which each was an attempt.
    pub(crate) fn add_rescued(&self, jobs: usize) {
        let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
        self.rescued_jobs.add(jobs, &[]);
        self.attempts.add(jobs, &[]);
    }

    /// Notes how long it took to claim a batch.
    pub(crate) fn claimed(&self, took: Duration) {
        self.step_duration.record(took.as_secs_f64(), &[KeyValue::new("step", "claim")]);
    }

    /// Notes how long a batch took, from its claim to its end.
    pub(crate) fn batch_ended(&self, took: Duration) {
        self.batch_duration.record(took.as_secs_f64(), &[]);
    }

    fn certificates(&self, outcome: &'static str, code: Option<Code>, count: u64) {
        let code = KeyValue::new("code", code.map_or("", Code::as_str));
        self.certificates.add(count, &[KeyValue::new("outcome", outcome), code]);
    }
}

/// What is looked at whenever somebody wants to know.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) health: Arc<Health>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) in_flight: InFlight,
    pub(crate) lease: Lease,
}

impl Observed {
    /// Has it looked at from now on.
    pub(crate) fn register(&self) {
        let meter = global::meter(SCOPE);
        self.register_pools(&meter);
        self.register_databases(&meter);
        let memory = self.memory.clone();
        meter
            .u64_observable_gauge("certferry.batch")
            .with_unit("By")
            .with_description("Memory that batches in flight have reserved.")
            .with_callback(move |gauge| gauge.observe(memory.taken(), &[]))
            .build();
        let in_flight = self.in_flight.clone();
        meter
            .u64_observable_gauge("certferry.batches_in_flight")
            .with_description("Batches that are being worked on.")
            .with_callback(move |gauge| gauge.observe(in_flight.count(), &[]))
            .build();
        let lease = self.lease.clone();
        meter
            .f64_observable_gauge("certferry.lease.age")
            .with_unit("s")
            .with_description("How long ago the lease on claimed jobs was renewed.")
            .with_callback(move |gauge| gauge.observe(lease.age().unwrap_or_default().as_secs_f64(), &[]))
            .build();
    }

    fn register_pools(&self, meter: &Meter) {
        let health = self.health.clone();
        meter
            .u64_observable_counter("certferry.pool.renewals")
            .with_description("How often all connections to a database were left behind.")
            .with_callback(move |counter| {
                for (database, usage) in pools(&health) {
                    counter.observe(usage.refreshments, &[KeyValue::new("database", database)]);
                }
            })
            .build();
        let health = self.health.clone();
        meter
            .u64_observable_gauge("certferry.pool.connections")
            .with_description("Connections of batches, by whether they are used.")
            .with_callback(move |gauge| {
                for (database, Usage { idle, used, .. }) in pools(&health) {
                    for (state, count) in [("idle", idle), ("used", used)] {
                        gauge.observe(count, &[KeyValue::new("database", database), KeyValue::new("state", state)]);
                    }
                }
            })
            .build();
    }

    fn register_databases(&self, meter: &Meter) {
        let health = self.health.clone();
        meter
            .u64_observable_gauge("certferry.database.up")
            .with_description("Whether a database answered when it was last asked.")
            .with_callback(move |gauge| {
                for answers in [&health.destination_answers, &health.source_answers] {
                    gauge.observe(u64::from(answers.is_up()), &[KeyValue::new("database", answers.database())]);
                }
            })
            .build();
        let health = self.health.clone();
        meter
            .f64_observable_gauge("certferry.database.latency")
            .with_unit("s")
            .with_description("How long a database took to answer when it was last asked.")
            .with_callback(move |gauge| {
                for answers in [&health.destination_answers, &health.source_answers] {
                    gauge.observe(answers.latency().as_secs_f64(), &[KeyValue::new("database", answers.database())]);
                }
            })
            .build();
    }
}

fn pools(health: &Health) -> [(&'static str, Usage); 2] {
    [("destination", health.database.usage()), ("source", health.source.usage())]
}
