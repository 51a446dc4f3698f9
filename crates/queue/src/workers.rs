//! The rows of `apalis.workers`: who is there, by the server's clock.

use std::time::Duration;

use apalis_core::worker::context::WorkerContext;
use apalis_postgres::queries;
use sqlx::PgPool;

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

pub(crate) async fn register(pool: &PgPool, worker: &WorkerContext) -> Result<(), Error> {
    let mut transaction = pool.begin().await.map_err(|error| Error::new("register the worker", error))?;
    queries::register_worker(&mut *transaction, QUEUE, worker, &0.into(), "certferry")
        .await
        .map_err(|error| Error::of_apalis("register the worker", error))?;
    sqlx::query_file!("queries/register_clock.sql", worker.name())
        .execute(&mut *transaction)
        .await
        .map_err(|error| Error::new("register the worker", error))?;
    transaction.commit().await.map_err(|error| Error::new("register the worker", error))
}

/// Renews the worker's lease; registers it again where its row is gone.
pub(crate) async fn renew(pool: &PgPool, worker: &WorkerContext) -> Result<(), Error> {
    let mut connection = pool.acquire().await.map_err(|error| Error::new("renew the lease", error))?;
    match queries::keep_alive(&mut *connection, QUEUE, worker).await {
        Err(apalis_postgres::Error::WorkerOutOfSync) => {
            drop(connection);
            register(pool, worker).await
        }
        Err(error) => Err(Error::of_apalis("renew the lease", error)),
        Ok(()) => Ok(()),
    }
}

pub(crate) async fn deregister(pool: &PgPool, worker: &str) -> Result<(), Error> {
    sqlx::query_file!("queries/deregister.sql", worker)
        .execute(pool)
        .await
        .map(drop)
        .map_err(|error| Error::new("deregister the worker", error))
}

pub(crate) async fn alive(pool: &PgPool, orphan_after: Duration) -> Result<Vec<String>, Error> {
    sqlx::query_file_scalar!("queries/workers_alive.sql", QUEUE, orphan_after.as_secs_f64())
        .fetch_all(pool)
        .await
        .map_err(|error| Error::new("list workers", error))
}
