use std::ops::{Deref, DerefMut};
use std::time::Duration;

use certferry_connection::{Connections, Security, Session, Usage};
use sqlx::{PgConnection, Postgres};

use crate::{Error, destination_tables};

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
    /// The longest a statement may wait for a lock.
    pub lock_timeout: Duration,
    /// What the server calls the sessions; begins with `certferry`, by which they are told from others'.
    pub application_name: &'static str,
}

/// The longest that a look at the destination's tables waits for one that is locked.
const PROBE_PATIENCE: Duration = Duration::from_secs(1);

/// The longest that a transaction may do nothing.
const LONGEST_IDLE: Duration = Duration::from_mins(1);

impl Settings {
    fn of_connections(&self) -> Result<certferry_connection::Settings, Error> {
        // What triggers and defaults of the destination call may be in `public`; its tables are not, `producer setup` sees
        // to that.
        let search_path = format!("{},public", certferry_connection::quoted(&self.destination_schema));
        let milliseconds = |time: Duration| time.as_millis().to_string();
        let options = certferry_connection::Settings::options_of(&self.url);
        Ok(certferry_connection::Settings {
            options: options.map_err(|error| Error::new("read the database URL", error))?,
            application_name: self.application_name,
            parameters: vec![
                ("search_path", search_path),
                ("TimeZone", "UTC".to_owned()),
                ("jit", "off".to_owned()),
                ("statement_timeout", milliseconds(self.statement_timeout)),
                ("lock_timeout", milliseconds(self.lock_timeout)),
                ("idle_in_transaction_session_timeout", milliseconds(self.statement_timeout.min(LONGEST_IDLE))),
            ],
            read_only: false,
            preparation: None,
            max_connections: self.max_connections,
            connect_timeout: self.connect_timeout,
        })
    }
}

/// A bounded pool of connections to the destination's database.
#[derive(Clone, Debug)]
pub struct Database {
    connections: Connections,
    destination_schema: String,
}

impl Database {
    /// Opens the pool and one connection, so that a wrong URL is found at once.
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        let of_connections = settings.of_connections()?;
        let doing = format!("connect to the database at {}", certferry_connection::place(&of_connections.options));
        let connections = Connections::open(&of_connections).await.map_err(|error| Error::new(doing, error))?;
        Ok(Self { connections, destination_schema: settings.destination_schema.clone() })
    }

    /// Begins a transaction.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        let transaction = self.connections.begin().await.map_err(|error| Error::new("begin a transaction", error))?;
        Ok(Transaction(transaction))
    }

    /// Begins a transaction that only reads and sees one moment throughout.
    pub async fn begin_snapshot(&self) -> Result<Transaction, Error> {
        let snapshot =
            self.connections.begin_snapshot().await.map_err(|error| Error::new("begin a snapshot", error))?;
        Ok(Transaction(snapshot))
    }

    /// Whether a pooler is between us and the server.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.connections.are_pooled()
    }

    /// A connection for a statement that needs no transaction.
    pub(crate) async fn session(&self) -> Result<Session, Error> {
        self.connections.session().await.map_err(|error| Error::new("get a connection to the database", error))
    }

    /// Asks the database for nothing, to learn whether it answers.
    pub async fn ping(&self) -> Result<(), Error> {
        self.connections.ping().await.map_err(|error| Error::new("reach the database", error))
    }

    /// Fails unless the database answers and can be written: a standby answers too.
    pub async fn check_writable(&self) -> Result<(), Error> {
        let doing = "write to the database";
        let mut session = self.session().await?;
        let read_only = sqlx::query_scalar!(
            r#"SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS "read_only!""#
        )
        .fetch_one(&mut *session)
        .await
        .map_err(|error| Error::new(doing, error))?;
        session.end().await.map_err(|error| Error::new(doing, error))?;
        if read_only {
            return Err(Error::unavailable(
                doing,
                "it is read-only: a standby, or default_transaction_read_only is on",
            ));
        }
        Ok(())
    }

    /// Fails unless every table of the contract is that of the destination's schema, and those that a batch writes may be
    /// written and are locked by nobody: what each batch relies on. Writes nothing.
    pub async fn check_writing(&self, customers: bool, technicians: bool) -> Result<(), Error> {
        let failed = |error| Error::new("write to the destination", error);
        self.check_writable().await?;
        destination_tables(self).await?;
        let mut transaction = self.begin().await?;
        transaction.limit_lock_waits(PROBE_PATIENCE).await?;
        sqlx::query_file!("queries/probe_writing.sql").fetch_optional(&mut *transaction).await.map_err(failed)?;
        if customers {
            let creating = sqlx::query_file!("queries/probe_creating_customers.sql");
            creating.fetch_optional(&mut *transaction).await.map_err(failed)?;
        }
        if technicians {
            let creating = sqlx::query_file!("queries/probe_creating_technicians.sql");
            creating.fetch_optional(&mut *transaction).await.map_err(failed)?;
        }
        transaction.rollback().await
    }

    /// The server's version, in its own words.
    pub async fn version(&self) -> Result<String, Error> {
        sqlx::query_scalar!(r#"SELECT current_setting('server_version') AS "version!""#)
            .fetch_one(&mut *self.session().await?)
            .await
            .map_err(|error| Error::new("ask the database for its version", error))
    }

    /// How the connections are secured.
    pub async fn security(&self) -> Result<Security, Error> {
        self.connections.security().await.map_err(|error| Error::new("ask how the connection is secured", error))
    }

    /// Leaves idle connections behind: one of them was dead.
    pub fn refresh(&self) {
        self.connections.refresh();
    }

    /// How the pool is used now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.connections.usage()
    }

    /// Leaves every connection behind, and interrupts [`Self::until_renewed`].
    pub fn renew(&self) {
        self.connections.renew();
    }

    /// What `work` gives; `None` when the connections were renewed meanwhile, and those it used may be dead.
    pub async fn until_renewed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.connections.until_renewed(work).await
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.connections.close().await;
    }

    /// The schema of the contract's tables.
    #[must_use]
    pub fn destination_schema(&self) -> &str {
        &self.destination_schema
    }
}

/// An open transaction: what it did is undone unless it is committed.
///
/// It derefs to the driver's connection so that status rows and the jobs of the queue are written in one transaction;
/// nothing else of the driver crosses this crate's border.
#[derive(Debug)]
pub struct Transaction(sqlx::Transaction<'static, Postgres>);

impl Transaction {
    /// Waits no longer than this for any lock from now on, and takes another name, so that nobody who ends long waits
    /// cancels it.
    pub async fn limit_lock_waits(&mut self, longest: Duration) -> Result<(), Error> {
        limit_lock_waits(&mut self.0, longest).await
    }

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

/// Lets a transaction wait no longer than this for any lock from now on; see [`Transaction::limit_lock_waits`].
pub(crate) async fn limit_lock_waits(connection: &mut PgConnection, longest: Duration) -> Result<(), Error> {
    let milliseconds = longest.as_millis().max(1).to_string();
    sqlx::query!(
        "SELECT set_config('lock_timeout', $1, TRUE) AS timeout,
                    set_config('application_name', 'certferry-careful', TRUE) AS name",
        milliseconds
    )
    .fetch_one(connection)
    .await
    .map(drop)
    .map_err(|error| Error::new("limit the waits for locks", error))
}
