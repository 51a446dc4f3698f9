//! The job queue: one job for each certificate that waits to be migrated.
//!
//! The only crate that names apalis. Jobs lie in apalis-postgres's tables, and an apalis worker runs them; a claimed
//! batch is one task of that worker, so that a job is the unit of accounting and a batch the unit of work. What this
//! crate changes of apalis's own ways, and why, is in `docs/adr/0002-a-batch-is-a-task.md`.

mod backend;
mod claim;
mod error;
mod job;
mod jobs;
mod lease;
mod run;
mod wakeup;
mod workers;

use std::str::FromStr;
use std::time::Duration;

use apalis_postgres::PostgresStorage;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

pub use error::Error;
pub use job::{Batch, Job};
pub use jobs::{Orphan, analyze, complete, postpone, push, remove, remove_jobs, rescue};
pub use run::{Claiming, Worker};

/// How to reach the database that holds the queue.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A `postgres://` URL.
    pub url: String,
    /// The longest wait for a connection, from the pool or from the server.
    pub connect_timeout: Duration,
    /// The longest a statement may run.
    pub statement_timeout: Duration,
}

/// Connections of one process to the queue. They are few and separate from the store's, so that batches that wait for
/// a connection never keep a lease from being renewed.
#[derive(Clone, Debug)]
pub struct Queue {
    pool: PgPool,
}

/// Claims, the lease, the listener and one to spare.
const CONNECTIONS: u32 = 4;

impl Queue {
    /// Opens the connections.
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        let timeout = settings.statement_timeout.as_millis().to_string();
        let options = PgConnectOptions::from_str(&settings.url)
            .map_err(|error| Error::new("read the database URL", error))?
            .application_name("certferry-queue")
            .disable_statement_logging()
            .options([("jit", "off"), ("statement_timeout", timeout.as_str())]);
        let doing = "connect to the queue's database";
        let first = tokio::time::timeout(settings.connect_timeout, PgConnection::connect_with(&options)).await;
        let first = first.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(|error| Error::new(doing, error))?;
        first.close().await.map_err(|error| Error::new(doing, error))?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(settings.connect_timeout)
            .connect_lazy_with(options);
        Ok(Self { pool })
    }

    /// Creates or upgrades the queue's tables; safe to repeat.
    pub async fn migrate(&self) -> Result<(), Error> {
        PostgresStorage::setup(&self.pool)
            .await
            .map_err(|error| Error::of_apalis("create or upgrade the queue (schema apalis)", error))?;
        sqlx::query_file!("queries/drop_double_indexes.sql")
            .execute(&self.pool)
            .await
            .map_err(|error| Error::new("drop the queue's doubled indexes", error))?;
        sqlx::query_file!("queries/vacuum_often.sql")
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|error| Error::new("have the queue's table vacuumed often", error))
    }

    /// Whether any job waits, runs or waits for its retry.
    pub async fn is_outstanding(&self) -> Result<bool, Error> {
        sqlx::query_file_scalar!("queries/outstanding.sql", job::QUEUE)
            .fetch_one(&self.pool)
            .await
            .map_err(|error| Error::new("look for jobs", error))
    }

    /// The names of the workers seen within `orphan_after`.
    pub async fn workers_alive(&self, orphan_after: Duration) -> Result<Vec<String>, Error> {
        workers::alive(&self.pool, orphan_after).await
    }

    /// Gives back whatever jobs a worker still has; no attempt is charged.
    pub async fn abandon(&self, worker: &str) -> Result<(), Error> {
        sqlx::query_file!("queries/release_all.sql", worker)
            .execute(&self.pool)
            .await
            .map_err(|error| Error::new("give claimed jobs back", error))?;
        workers::deregister(&self.pool, worker).await
    }

    /// Asks the database for nothing, to learn whether it answers.
    pub async fn ping(&self) -> Result<(), Error> {
        let ping = sqlx::query!("SELECT 1 AS one").fetch_one(&self.pool);
        ping.await.map(drop).map_err(|error| Error::new("reach the queue's database", error))
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
