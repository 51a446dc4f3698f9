//! The rows of `apalis.workers`: who is there, by the server's clock.

use std::time::Duration;

use apalis_core::worker::context::WorkerContext;
use apalis_postgres::queries;
use certferry_connection::Connections;
use serde::Serialize;

use crate::Error;
use crate::job::QUEUE;
use crate::lease::RENEWALS;

/// A name unique to one start of one process, so that a new process never keeps a dead one's jobs from being rescued.
pub(crate) fn new_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map_or_else(|| "host".to_owned(), |name| name.trim().to_owned());
    format!("{host}-{}-{:08x}", std::process::id(), rand::random::<u32>())
}

pub(crate) async fn register(connections: &Connections, worker: &WorkerContext) -> Result<(), Error> {
    let failed = |error| Error::new("register the worker", error);
    let mut transaction = connections.begin().await.map_err(failed)?;
    queries::register_worker(&mut *transaction, QUEUE, worker, &0.into(), "certferry")
        .await
        .map_err(|error| Error::of_apalis("register the worker", error))?;
    sqlx::query_file!("queries/register_clock.sql", worker.name()).execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Renews the worker's lease; registers it again where its row is gone.
pub(crate) async fn renew(connections: &Connections, worker: &WorkerContext) -> Result<(), Error> {
    let failed = |error| Error::new("renew the lease", error);
    let mut session = connections.session().await.map_err(failed)?;
    match queries::keep_alive(&mut *session, QUEUE, worker).await {
        Err(apalis_postgres::Error::WorkerOutOfSync) => {
            drop(session);
            register(connections, worker).await
        }
        Err(error) => Err(Error::of_apalis("renew the lease", error)),
        Ok(()) => session.end().await.map_err(failed),
    }
}

pub(crate) async fn deregister(connections: &Connections, worker: &str) -> Result<(), Error> {
    let failed = |error| Error::new("deregister the worker", error);
    let mut session = connections.session().await.map_err(failed)?;
    sqlx::query_file!("queries/deregister.sql", worker).execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)
}

pub(crate) async fn alive(
    connections: &Connections,
    worker_type: &str,
    orphan_after: Duration,
) -> Result<Vec<String>, Error> {
    let failed = |error| Error::new("list workers", error);
    let mut session = connections.session().await.map_err(failed)?;
    sqlx::query_file_scalar!("queries/workers_alive.sql", worker_type, orphan_after.as_secs_f64())
        .fetch_all(&mut *session)
        .await
        .map_err(failed)
}

/// A worker's lease, and what the worker has in hand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkerLease {
    /// The worker's name.
    pub worker: String,
    /// How many seconds ago the worker renewed the lease.
    pub seen_seconds_ago: f64,
    /// In how many seconds the lease runs out; below zero when it has.
    pub runs_out_in_seconds: f64,
    /// Whether the worker missed renewals: it is dead, stopped or cut off.
    pub is_overdue: bool,
    /// Certificates that the worker has claimed and not finished.
    pub certificates: i64,
    /// How many seconds ago the worker claimed the last one of those.
    pub claimed_seconds_ago: Option<f64>,
}

pub(crate) async fn leases(connections: &Connections, orphan_after: Duration) -> Result<Vec<WorkerLease>, Error> {
    let failed = |error| Error::new("look at the workers' leases", error);
    let mut session = connections.session().await.map_err(failed)?;
    let seconds = orphan_after.as_secs_f64();
    let rows = sqlx::query_file!("queries/worker_leases.sql", QUEUE, seconds).fetch_all(&mut *session).await;
    let rows = rows.map_err(failed)?;
    let lease = |seen_seconds_ago: f64| (seconds - seen_seconds_ago, seen_seconds_ago > overdue_seconds(seconds));
    Ok(rows
        .into_iter()
        .map(|row| {
            let (runs_out_in_seconds, is_overdue) = lease(row.seen_seconds_ago);
            WorkerLease {
                worker: row.worker,
                seen_seconds_ago: row.seen_seconds_ago,
                runs_out_in_seconds,
                is_overdue,
                certificates: row.certificates,
                claimed_seconds_ago: row.claimed_seconds_ago,
            }
        })
        .collect())
}

/// After how many seconds without a renewal a worker has missed two, one of which may be lost without harm.
fn overdue_seconds(orphan_after: f64) -> f64 {
    2.0 * orphan_after / f64::from(RENEWALS)
}
