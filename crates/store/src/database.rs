use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres};

use crate::Error;

/// How to reach the database that holds the destination, the status table and the queue.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A `postgres://` URL.
    pub url: String,
    /// The schema of the contract's tables.
    pub destination_schema: String,
    /// The most connections held at once.
    pub max_connections: u32,
    /// The longest wait for a connection, from the pool or from the server.
    pub connect_timeout: Duration,
    /// The longest a statement may run.
    pub statement_timeout: Duration,
}

impl Settings {
    /// The driver's options: search path and timeouts.
    fn connect_options(&self) -> Result<PgConnectOptions, Error> {
        // What triggers and defaults of the destination call may be in `public`; its tables are not, `producer setup` sees
        // to that.
        let search_path = format!("{},public", quoted(&self.destination_schema));
        Ok(PgConnectOptions::from_str(&self.url)
            .map_err(|error| Error::new("read the database URL", error))?
            .application_name("certferry")
            .disable_statement_logging()
            .options([
                ("search_path", search_path.as_str()),
                ("TimeZone", "UTC"),
                ("jit", "off"),
                ("statement_timeout", &self.statement_timeout.as_millis().to_string()),
                ("lock_timeout", &self.statement_timeout.as_millis().to_string()),
                ("idle_in_transaction_session_timeout", &self.statement_timeout.as_millis().to_string()),
            ]))
    }
}

/// A name as SQL wants it.
pub(crate) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A bounded pool of connections to the destination's database.
#[derive(Clone, Debug)]
pub struct Database {
    pool: PgPool,
    destination_schema: String,
}

impl Database {
    /// Opens the pool and one connection, so that a wrong URL is found at once.
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        let options = settings.connect_options()?;
        let place = match options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let doing = format!("connect to the database at {place}");
        // The pool would try on until its time is up, and then not say why.
        let first = tokio::time::timeout(settings.connect_timeout, PgConnection::connect_with(&options)).await;
        let first = first.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(|error| Error::new(&doing, error))?;
        first.close().await.map_err(|error| Error::new(&doing, error))?;
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.connect_timeout)
            .connect_lazy_with(options);
        Ok(Self { pool, destination_schema: settings.destination_schema.clone() })
    }

    /// Begins a transaction.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        let transaction = self.pool.begin().await.map_err(|error| Error::new("begin a transaction", error))?;
        Ok(Transaction(transaction))
    }

    /// Begins a transaction that only reads and sees one moment throughout.
    pub async fn begin_snapshot(&self) -> Result<Transaction, Error> {
        let transaction = self
            .pool
            .begin_with("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
            .map_err(|error| Error::new("begin a snapshot", error))?;
        Ok(Transaction(transaction))
    }

    /// Asks the database for nothing, to learn whether it answers.
    pub async fn ping(&self) -> Result<(), Error> {
        let ping = sqlx::query!("SELECT 1 AS one").fetch_one(&self.pool);
        ping.await.map(drop).map_err(|error| Error::new("reach the database", error))
    }

    /// The server's version, in its own words.
    pub async fn version(&self) -> Result<String, Error> {
        let version = sqlx::query_scalar!(r#"SELECT current_setting('server_version') AS "version!""#);
        version.fetch_one(&self.pool).await.map_err(|error| Error::new("ask the database for its version", error))
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The schema of the contract's tables.
    #[must_use]
    pub fn destination_schema(&self) -> &str {
        &self.destination_schema
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// An open transaction: what it did is undone unless it is committed.
///
/// It derefs to the driver's connection so that status rows and the jobs of the queue are written in one transaction;
/// nothing else of the driver crosses this crate's border.
#[derive(Debug)]
pub struct Transaction(sqlx::Transaction<'static, Postgres>);

impl Transaction {
    /// Makes everything done in it permanent.
    pub async fn commit(self) -> Result<(), Error> {
        self.0.commit().await.map_err(|error| Error::new("commit", error))
    }

    /// Undoes everything done in it.
    pub async fn rollback(self) -> Result<(), Error> {
        self.0.rollback().await.map_err(|error| Error::new("roll back", error))
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
