//! The lease: a worker's jobs are its own for as long as it renews it.

use std::time::Duration;

use apalis_core::worker::context::WorkerContext;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::workers;

/// Renewals within one `orphan_after`, so that one or two that fail lose nothing.
const RENEWALS: u32 = 5;

/// Renews the lease for as long as it is polled, and tells since when it has been renewed without a gap: whoever was away is
/// no judge of who is dead.
pub(crate) async fn keep(
    pool: PgPool,
    worker: WorkerContext,
    orphan_after: Duration,
    unbroken_since: watch::Sender<Instant>,
) {
    let period = orphan_after / RENEWALS;
    let mut last_renewed = Instant::now();
    let mut failing = false;
    loop {
        tokio::time::sleep(period).await;
        let renewed = tokio::time::timeout(orphan_after, workers::renew(&pool, &worker)).await;
        match renewed {
            Ok(Ok(())) => {
                if last_renewed.elapsed() > period * 2 {
                    unbroken_since.send_replace(Instant::now());
                }
                last_renewed = Instant::now();
                failing = false;
            }
            Ok(Err(error)) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the lease could not be renewed; trying on"
                    );
                }
            }
            Err(_) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!("the queue's database does not answer; the lease could not be renewed; trying on");
                }
            }
        }
    }
}
