use std::fmt::Write as _;
use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::time::Duration;

use futures::FutureExt;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool, Postgres, Transaction};

use url::Url;

use crate::{Renewable, Usage};

/// A parameter that a server of ours has in every session that we began, and only there.
const MARK: &str = "certferry.session";

/// How long a connection may be idle before it is closed: a firewall forgets it after some minutes, and tells nobody.
pub const IDLE: Duration = Duration::from_mins(1);

/// Statements that an earlier client of the pooler has left prepared on this connection of its own to the server, under
/// the names that the driver is about to use.
const FORGET_STATEMENTS: &str = "DO $$DECLARE prepared text; BEGIN \
     FOR prepared IN SELECT name FROM pg_prepared_statements WHERE name LIKE 'sqlx\\_s\\_%' LOOP \
     EXECUTE format('DEALLOCATE %I', prepared); END LOOP; END$$";

/// Server parameters that every session has: names and values.
pub type Parameters = Vec<(&'static str, String)>;

/// How to reach a PostgreSQL server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it is.
    pub options: PgConnectOptions,
    /// What the server calls the sessions.
    pub application_name: &'static str,
    /// Parameters that hold for everything that is done.
    pub parameters: Parameters,
    /// Whether the server is to refuse every write.
    pub read_only: bool,
    /// What else each session begins with: SQL that sets parameters, for one transaction only if it is called with true.
    pub preparation: Option<fn(bool) -> String>,
    /// The most connections held at once.
    pub max_connections: u32,
    /// The longest wait for a connection, from the pool or from the server.
    pub connect_timeout: Duration,
}

impl Settings {
    /// The options of a URL, without the driver's log of every statement. How the connection is secured is for the URL
    /// to say and not for PGSSLMODE, which the driver reads.
    pub fn options_of(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
        let options = PgConnectOptions::from_str(url).map(ConnectOptions::disable_statement_logging)?;
        let names = Url::parse(url).map_err(|error| sqlx::Error::Configuration(error.into()))?;
        let says_mode = names.query_pairs().any(|(name, _)| name == "sslmode" || name == "ssl-mode");
        Ok(if says_mode { options } else { options.ssl_mode(PgSslMode::Prefer) })
    }
}

/// A name as SQL wants it.
#[must_use]
pub fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Where a server is, in a message: its host and port, or the folder of its socket.
#[must_use]
pub fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

/// A bounded pool of connections to a PostgreSQL server, or to a pooler in front of one.
///
/// Behind a pooler that lends its connections for a transaction at a time, nothing may be left in a session: everything
/// is a transaction then, which begins by setting its parameters.
#[derive(Clone, Debug)]
pub struct Connections {
    pool: Renewable<Postgres>,
    pooler: Option<Pooler>,
    ssl_mode: PgSslMode,
}

/// What every transaction begins with behind a pooler, after `BEGIN`.
#[derive(Clone, Debug)]
struct Pooler {
    read_only: bool,
    prologue: String,
}

impl Connections {
    /// Opens the pool and one connection, so that a wrong URL is found at once, and a pooler too.
    pub async fn open(settings: &Settings) -> Result<Self, sqlx::Error> {
        let plain = settings.options.clone().application_name(settings.application_name);
        let mut direct = plain.clone().options([(MARK, "direct")]).options(settings.parameters.clone());
        if settings.read_only {
            direct = direct.options([("default_transaction_read_only", "on")]);
        }
        let is_direct = tokio::time::timeout(settings.connect_timeout, is_direct(&direct)).await;
        let is_direct = is_direct.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        let (options, pooler) = if is_direct {
            (direct, None)
        } else {
            tracing::debug!("there is a pooler before the server: everything is a transaction");
            // Statements are prepared anew each time: nobody knows on which connection of the pooler they would be.
            let options = plain.extra_float_digits(None).statement_cache_capacity(0);
            let mut parameters = settings.parameters.clone();
            parameters.push(("application_name", settings.application_name.to_owned()));
            let prologue = prologue(&parameters, settings.preparation);
            let pooler = Pooler { read_only: settings.read_only, prologue };
            (options, Some(pooler))
        };
        let (max_connections, connect_timeout) = (settings.max_connections, settings.connect_timeout);
        // The driver has a time zone and a style of dates of its own at startup, which are stronger than `options`.
        let preparation = settings
            .preparation
            .filter(|_| is_direct)
            .map(|preparation| format!("{}{}", set_parameters(&settings.parameters, false), preparation(false)));
        let pool = Renewable::new(move || {
            let preparation = preparation.clone();
            PgPoolOptions::new()
                .max_connections(max_connections)
                .acquire_timeout(connect_timeout)
                .idle_timeout(IDLE)
                // It would be one more round trip for every use. Whoever meets a dead connection tries again.
                .test_before_acquire(false)
                .after_connect(move |connection, _| {
                    let preparation = preparation.clone();
                    async move {
                        if let Some(sql) = preparation {
                            connection.execute(AssertSqlSafe(sql)).await?;
                        }
                        Ok(())
                    }
                    .boxed()
                })
                .connect_lazy_with(options.clone())
        });
        Ok(Self { pool, pooler, ssl_mode: settings.options.get_ssl_mode() })
    }

    /// Whether a pooler is between us and the server.
    #[must_use]
    pub fn are_pooled(&self) -> bool {
        self.pooler.is_some()
    }

    pub(crate) fn ssl_mode(&self) -> PgSslMode {
        self.ssl_mode
    }

    /// The pool of now, for what needs one itself. Behind a pooler its sessions know no parameters.
    #[must_use]
    pub fn pool(&self) -> PgPool {
        self.pool.pool()
    }

    /// Begins a transaction.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.begin_as("BEGIN ISOLATION LEVEL READ COMMITTED").await
    }

    /// Begins a transaction that only reads and sees one moment throughout.
    pub async fn begin_snapshot(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.begin_as("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    async fn begin_as(&self, begin: &str) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let Some(Pooler { read_only, prologue }) = &self.pooler else {
            return self.pool().begin_with(AssertSqlSafe(begin.to_owned())).await;
        };
        let only = if *read_only { "; SET LOCAL transaction_read_only = on" } else { "" };
        self.pool().begin_with(AssertSqlSafe(format!("{begin}{only}{prologue}"))).await
    }

    /// A connection for a single statement. What it did is undone unless the session is ended.
    pub async fn session(&self) -> Result<Session, sqlx::Error> {
        Ok(if self.are_pooled() {
            Session::Lent(self.begin().await?)
        } else {
            Session::Own(self.pool().acquire().await?)
        })
    }

    /// Asks the server for nothing, to learn whether it answers.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        let mut session = self.session().await?;
        session.ping().await?;
        session.end().await
    }

    /// See [`Renewable::refresh`].
    pub fn refresh(&self) {
        self.pool.refresh();
    }

    /// See [`Renewable::renew`].
    pub fn renew(&self) {
        self.pool.renew();
    }

    /// See [`Renewable::usage`].
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.pool.usage()
    }

    /// See [`Renewable::renewals`].
    #[must_use]
    pub fn renewals(&self) -> u64 {
        self.pool.renewals()
    }

    /// See [`Renewable::until_renewed`].
    pub async fn until_renewed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.pool.until_renewed(work).await
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool().close().await;
    }
}

/// A connection to work with, until [`Session::end`].
#[derive(Debug)]
pub enum Session {
    /// From the server itself: each statement is a transaction of its own.
    Own(PoolConnection<Postgres>),
    /// From a pooler, for this transaction.
    Lent(Transaction<'static, Postgres>),
}

impl Session {
    /// Closes the connection: it may be waiting for an answer that nobody wants.
    pub fn discard(self) {
        match self {
            Self::Own(mut connection) => connection.close_on_drop(),
            // The pooler ends its own connection when the client goes in the middle of a transaction.
            Self::Lent(transaction) => drop(transaction),
        }
    }

    /// Makes what was done permanent.
    pub async fn end(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Own(_) => Ok(()),
            Self::Lent(transaction) => transaction.commit().await,
        }
    }
}

impl Deref for Session {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Lent(transaction) => transaction,
        }
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Lent(transaction) => transaction,
        }
    }
}

/// Whether the server itself answers: a pooler refuses startup parameters that it does not know, or keeps them to
/// itself.
async fn is_direct(options: &PgConnectOptions) -> Result<bool, sqlx::Error> {
    let mut connection = match PgConnection::connect_with(options).await {
        Err(sqlx::Error::Database(error)) if is_unsupported_parameter(&*error) => return Ok(false),
        connected => connected?,
    };
    let mark: Option<String> = sqlx::query_scalar("SELECT current_setting($1, true)")
        .bind(MARK)
        .persistent(false)
        .fetch_one(&mut connection)
        .await?;
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "the first connection was not closed in order");
    }
    Ok(mark.is_some_and(|mark| mark == "direct"))
}

/// `PgBouncer`'s `unsupported startup parameter: …`, and `… in options: …` since 1.20.
fn is_unsupported_parameter(error: &dyn sqlx::error::DatabaseError) -> bool {
    error.code().is_some_and(|code| code == "08P01") && error.message().contains("startup parameter")
}

/// What follows `BEGIN` behind a pooler.
fn prologue(parameters: &[(&'static str, String)], preparation: Option<fn(bool) -> String>) -> String {
    let mut sql = format!("; {}", set_parameters(parameters, true));
    if let Some(preparation) = preparation {
        write!(sql, "{}; ", preparation(true)).expect("a String takes everything");
    }
    sql + FORGET_STATEMENTS
}

/// A statement for each parameter, with a semicolon behind it.
fn set_parameters(parameters: &[(&'static str, String)], for_this_transaction: bool) -> String {
    let mut sql = String::new();
    for (name, value) in parameters {
        // A string to a function; what the value is, the function finds out.
        let value = value.replace('\'', "''");
        write!(sql, "SELECT set_config('{name}', '{value}', {for_this_transaction}); ")
            .expect("a String takes everything");
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_behind_a_pooler_sets_its_parameters_and_forgets_others_statements() {
        let prologue = prologue(&[("search_path", r#""it's","public""#.to_owned()), ("jit", "off".to_owned())], None);
        assert!(prologue.starts_with(
            r#"; SELECT set_config('search_path', '"it''s","public"', true); SELECT set_config('jit', 'off', true); DO"#
        ));
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted(r#"a"b"#), r#""a""b""#);
    }
}
