//! What `worker.listen` answers: whether the worker makes progress, whether it can work, and its metrics.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use certferry_bootstrap::Shutdown;
use certferry_bootstrap::config::WorkerConfig;
use certferry_queue::Holds;
use certferry_telemetry::Exposition;

use crate::health::{FAILING, Health, OUTAGE};
use crate::in_flight::InFlight;
use crate::lease::Lease;

/// Where to ask for progress.
pub(crate) const LIVE: &str = "/livez";

/// Where to ask for readiness.
pub(crate) const READY: &str = "/readyz";

/// A batch has so many times `worker.batch_timeout` for a step that must end within one of it.
const TIMES_BATCH_TIMEOUT: u32 = 2;

/// A lease that was not renewed for this share of `worker.orphan_after` has missed two renewals.
const OVERDUE: f64 = 0.4;

/// What there is to tell of a worker.
#[derive(Debug)]
pub(crate) struct Vitals {
    pub(crate) config: WorkerConfig,
    pub(crate) in_flight: InFlight,
    pub(crate) lease: Lease,
    pub(crate) holds: Holds,
    pub(crate) shutdown: Shutdown,
    pub(crate) exposition: Option<Exposition>,
    /// What it is connected to, once it is.
    pub(crate) connected: OnceLock<Arc<Health>>,
}

/// The pages of `worker.listen`.
pub(crate) fn router(vitals: Arc<Vitals>) -> Router {
    Router::new().route(LIVE, get(live)).route(READY, get(ready)).route("/metrics", get(metrics)).with_state(vitals)
}

/// Says whether batches make progress. A database that is away is no reason to start the process anew.
async fn live(State(vitals): State<Arc<Vitals>>) -> (StatusCode, String) {
    match stuck(vitals.in_flight.longest_step(), vitals.config.batch_timeout) {
        None => (StatusCode::OK, "alive\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

/// Says whether the worker can work, and each reason why it cannot.
async fn ready(State(vitals): State<Arc<Vitals>>) -> (StatusCode, String) {
    let reasons = vitals.reasons();
    if reasons.is_empty() {
        let is_held = !vitals.holds.reasons().is_empty();
        let text = if is_held { "ready; the run is paused, so that nothing is claimed\n" } else { "ready\n" };
        return (StatusCode::OK, text.to_owned());
    }
    let lines: Vec<String> = reasons.iter().map(|reason| format!("not ready: {reason}\n")).collect();
    (StatusCode::SERVICE_UNAVAILABLE, lines.concat())
}

/// The metrics as Prometheus reads them.
async fn metrics(State(vitals): State<Arc<Vitals>>) -> Response {
    let Some(exposition) = &vitals.exposition else {
        let why = "metrics are off: OTEL_SDK_DISABLED or OTEL_METRICS_EXPORTER says so\n";
        return (StatusCode::NOT_FOUND, why).into_response();
    };
    match exposition.text() {
        Ok(text) => ([(header::CONTENT_TYPE, Exposition::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the metrics could not be written down");
            (StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written down; the log says why\n")
                .into_response()
        }
    }
}

impl Vitals {
    /// Why the worker cannot work now. They are our own words: those of a database may quote what is in it.
    fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.shutdown.is_requested() {
            reasons.push("it is stopping".to_owned());
        }
        let Some(health) = self.connected.get() else {
            reasons.push("it is connecting to the databases".to_owned());
            return reasons;
        };
        let away = [&health.source_answers, &health.destination_answers].into_iter().filter(|answers| !answers.is_up());
        let away: Vec<String> = away.map(|answers| format!("the {} does not answer", answers.database())).collect();
        let holds = self.holds.reasons();
        if holds.contains(&OUTAGE) && away.is_empty() {
            reasons.push("a database does not let batches work; the log says why".to_owned());
        }
        if holds.contains(&FAILING) {
            reasons.push("a server answers but does not work; the log says why".to_owned());
        }
        reasons.extend(away);
        match self.lease.age() {
            None => reasons.push("it is not registered in the queue yet".to_owned()),
            Some(age) if age > self.config.orphan_after.mul_f64(OVERDUE) => {
                reasons.push(format!("its lease on claimed jobs was not renewed for {} s", age.as_secs()));
            }
            Some(_) => {}
        }
        reasons
    }
}

/// That a batch has been at one step for too long, if it has.
fn stuck(longest_step: Duration, batch_timeout: Duration) -> Option<String> {
    (longest_step > batch_timeout * TIMES_BATCH_TIMEOUT)
        .then(|| format!("a batch has made no progress for {} s", longest_step.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_stuck_after_twice_its_time() {
        let of = |seconds| stuck(Duration::from_secs(seconds), Duration::from_mins(5));
        assert_eq!(of(0), None);
        assert_eq!(of(600), None);
        assert_eq!(of(601).as_deref(), Some("a batch has made no progress for 601 s"));
    }
}
