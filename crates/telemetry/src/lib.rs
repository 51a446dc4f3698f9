//! What is seen from outside: traces and metrics by OpenTelemetry, for a collector (OTLP over gRPC) and for Prometheus.
//!
//! Without one of OpenTelemetry's variables in the environment nothing is sent anywhere, and nothing is measured for it.
//! `docs/adr/0010-traces-and-metrics.md` says what is measured where, and why.

mod durations;
mod environment;
mod exposition;
mod otlp;
mod patient;
mod telemetry;

pub use durations::{batch_duration, step_duration};
pub use exposition::Exposition;
pub use telemetry::{Measured, Telemetry};
