//! The rows of `apalis.workers`: who is there, by the server's clock.

use std::time::Duration;

use apalis_core::worker::context::WorkerContext;
use apalis_postgres::queries;
use certferry_connection::Connections;

use crate::Error;
use crate::job::QUEUE;

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

pub(crate) async fn alive(connections: &Connections, orphan_after: Duration) -> Result<Vec<String>, Error> {
    let failed = |error| Error::new("list workers", error);
    let mut session = connections.session().await.map_err(failed)?;
    sqlx::query_file_scalar!("queries/workers_alive.sql", QUEUE, orphan_after.as_secs_f64())
        .fetch_all(&mut *session)
        .await
        .map_err(failed)
}
