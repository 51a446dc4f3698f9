//! The job queue: one job for each certificate that waits to be migrated.
//!
//! The only crate that names apalis. Jobs lie in apalis-postgres's tables, and an apalis worker runs them; a claimed
//! batch is one task of that worker, so that a job is the unit of accounting and a batch the unit of work. What this
//! crate changes of apalis's own ways, and why, is in `docs/adr/0002-a-batch-is-a-task.md`.

mod backend;
mod claim;
mod desk;
mod error;
mod holds;
mod job;
mod jobs;
mod lease;
mod run;
mod strays;
mod trace;
mod wakeup;
mod workers;

use std::time::Duration;

use apalis_postgres::PostgresStorage;
use certferry_connection::Connections;
use chrono::{DateTime, Utc};

pub use desk::{Taken, close_desk, give_back, new_desk, renew_desk, take};
pub use error::Error;
pub use holds::{Allowance, Holds, Unlimited};
pub use job::{Batch, Job};
pub use jobs::{
    Orphan, analyze, complete, postpone, push, remove, remove_jobs, rescue, restore, set_back, without_job,
};
pub use run::{Claiming, Worker};
pub use trace::Claimed;
pub use workers::WorkerLease;

/// How to reach the database that holds the queue.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A `postgres://` URL.
    pub url: String,
    /// The longest wait for a connection, from the pool or from the server.
    pub connect_timeout: Duration,
    /// The longest a statement may run.
    pub statement_timeout: Duration,
    /// The longest a statement may wait for a lock.
    pub lock_timeout: Duration,
    /// What the server calls the sessions; begins with `certferry`, by which they are told from others'.
    pub application_name: &'static str,
}

/// What the server calls the sessions of workers and of commands that fill the queue.
pub const APPLICATION_NAME: &str = "certferry-queue";

/// Connections of one process to the queue. They are few and separate from the store's, so that batches that wait for
/// a connection never keep a lease from being renewed.
#[derive(Clone, Debug)]
pub struct Queue {
    connections: Connections,
    statement_timeout: Duration,
}

/// What jobs are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standstill {
    /// How many seconds ago a worker claimed the last one of those that workers have.
    pub claimed_seconds_ago: Option<f64>,
    /// Whether one could be claimed now.
    pub is_due: bool,
    /// When the next one can be claimed, where none can be now.
    pub next_at: Option<DateTime<Utc>>,
}

/// Claims, the lease, the listener and one to spare.
const CONNECTIONS: u32 = 4;

/// The longest wait for a lock, and the longest that a transaction may do nothing.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The advisory lock of those who migrate behind a pooler.
const MIGRATING: i64 = 0x6365_7274_7175_6575;

impl Queue {
    /// Opens the connections.
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        let statement_timeout = settings.statement_timeout.as_millis().to_string();
        let patience = settings.statement_timeout.min(LONGEST_WAIT).as_millis().to_string();
        let options = certferry_connection::Settings::options_of(&settings.url);
        let of_connections = certferry_connection::Settings {
            options: options.map_err(|error| Error::new("read the database URL", error))?,
            application_name: settings.application_name,
            parameters: vec![
                ("jit", "off".to_owned()),
                ("statement_timeout", statement_timeout),
                ("lock_timeout", settings.lock_timeout.min(LONGEST_WAIT).as_millis().to_string()),
                ("idle_in_transaction_session_timeout", patience),
            ],
            read_only: false,
            preparation: None,
            max_connections: CONNECTIONS,
            connect_timeout: settings.connect_timeout,
        };
        let connections = Connections::open(&of_connections).await;
        let connections = connections.map_err(|error| Error::new("connect to the queue's database", error))?;
        Ok(Self { connections, statement_timeout: settings.statement_timeout })
    }

    /// Creates or upgrades the queue's tables; safe to repeat.
    pub async fn migrate(&self) -> Result<(), Error> {
        let doing = "create or upgrade the queue (schema apalis)";
        let is_pooled = self.connections.are_pooled();
        let mut migrator = PostgresStorage::<()>::migrations();
        // Behind a pooler a session's own lock would outlive us.
        migrator.set_ignore_missing(true).set_locking(!is_pooled);
        let mut session = self.connections.session().await.map_err(|error| Error::new(doing, error))?;
        let migrating = async {
            if is_pooled {
                sqlx::query!("SELECT pg_advisory_xact_lock($1) AS locked", MIGRATING).execute(&mut *session).await?;
            }
            // `run` asks more of its connection than one that is borrowed across an await has.
            migrator.run_direct(None, &mut *session, false).await?;
            sqlx::query_file!("queries/drop_double_indexes.sql").execute(&mut *session).await?;
            sqlx::query_file!("queries/vacuum_often.sql").execute(&mut *session).await?;
            Ok(())
        };
        if let Err(error) = migrating.await {
            // With its lock.
            session.discard();
            return Err(Error::new(doing, error));
        }
        session.end().await.map_err(|error| Error::new(doing, error))
    }

    /// Whether any job waits, runs or waits for its retry.
    pub async fn is_outstanding(&self) -> Result<bool, Error> {
        let doing = "look for jobs";
        let mut session = self.connections.session().await.map_err(|error| Error::new(doing, error))?;
        sqlx::query_file_scalar!("queries/outstanding.sql", job::QUEUE)
            .fetch_one(&mut *session)
            .await
            .map_err(|error| Error::new(doing, error))
    }

    /// What jobs are doing when nothing is finished.
    pub async fn standstill(&self) -> Result<Standstill, Error> {
        let doing = "look at the jobs";
        let mut session = self.connections.session().await.map_err(|error| Error::new(doing, error))?;
        let row = sqlx::query_file!("queries/standstill.sql", job::QUEUE)
            .fetch_one(&mut *session)
            .await
            .map_err(|error| Error::new(doing, error))?;
        Ok(Standstill { claimed_seconds_ago: row.claimed_seconds_ago, is_due: row.is_due, next_at: row.next_at })
    }

    /// The names of the workers seen within `orphan_after`.
    pub async fn workers_alive(&self, orphan_after: Duration) -> Result<Vec<String>, Error> {
        workers::alive(&self.connections, job::QUEUE, orphan_after).await
    }

    /// The names of the desks, where people decide, that were seen within `orphan_after`.
    pub async fn desks_alive(&self, orphan_after: Duration) -> Result<Vec<String>, Error> {
        workers::alive(&self.connections, desk::DESK, orphan_after).await
    }

    /// The leases of the workers seen within `orphan_after`, and of those that have jobs all the same.
    pub async fn leases(&self, orphan_after: Duration) -> Result<Vec<WorkerLease>, Error> {
        workers::leases(&self.connections, orphan_after).await
    }

    /// Gives back whatever jobs a worker still has; no attempt is charged.
    pub async fn abandon(&self, worker: &str) -> Result<(), Error> {
        jobs::release_all(&self.connections, worker).await?;
        workers::deregister(&self.connections, worker).await
    }

    /// Leaves every connection behind, and interrupts whoever waits for one: those of a server that was away may be dead.
    pub fn renew(&self) {
        self.connections.renew();
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.connections.close().await;
    }
}
