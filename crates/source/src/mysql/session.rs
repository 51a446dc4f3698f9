//! What every session is told, whatever the server's settings: only read, give up in time, refuse no value, and be in the
//! time zone of the legacy dates.

use std::time::Duration;

use chrono_tz::Tz;
use sqlx::{AssertSqlSafe, Executor, MySqlConnection};

use super::failure::is_unknown_variable;
use crate::timezone::fixed_offset;

/// Which server it is, as far as that makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    MariaDb,
    MySql,
}

impl Product {
    pub(super) fn of(version: &str) -> Self {
        if version.to_ascii_lowercase().contains("mariadb") { Self::MariaDb } else { Self::MySql }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MariaDb => "MariaDB",
            Self::MySql => "MySQL",
        }
    }

    /// The statement that limits how long others may run.
    fn limit(self, timeout: Duration) -> String {
        match self {
            Self::MariaDb => format!("SET SESSION max_statement_time = {}", timeout.as_secs_f64()),
            Self::MySql => format!("SET SESSION max_execution_time = {}", timeout.as_millis().max(1)),
        }
    }
}

/// The modes of a server that decide how it reads a query, and so what the query means. A session keeps those that it
/// has; all others, which refuse zero dates or pad values, it is told to leave.
const MODES_OF_READING: [&str; 14] = [
    "ANSI",
    "ANSI_QUOTES",
    "DB2",
    "EMPTY_STRING_IS_NULL",
    "HIGH_NOT_PRECEDENCE",
    "IGNORE_SPACE",
    "MAXDB",
    "MSSQL",
    "NO_BACKSLASH_ESCAPES",
    "NO_UNSIGNED_SUBTRACTION",
    "ORACLE",
    "PIPES_AS_CONCAT",
    "POSTGRESQL",
    "REAL_AS_FLOAT",
];

/// What every session of ours is told.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) statement_timeout: Duration,
    /// By name, or by its offset where the server need not know the name.
    pub(super) timezone: String,
}

impl Session {
    /// A time zone that never changes is told by its offset, which every server understands; others need the server's
    /// own tables.
    pub(super) fn new(statement_timeout: Duration, timezone: Tz) -> Self {
        Self { statement_timeout, timezone: fixed_offset(timezone).unwrap_or_else(|| timezone.name().to_owned()) }
    }

    /// Makes a new connection into a session of ours.
    pub(super) async fn prepare(&self, connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        let seconds = self.statement_timeout.as_secs().max(1);
        let modes: String =
            sqlx::query_scalar("SELECT CAST(@@SESSION.sql_mode AS CHAR)").fetch_one(&mut *connection).await?;
        connection
            .execute(AssertSqlSafe(format!(
                "SET SESSION sql_mode = '{}', time_zone = '{}', lock_wait_timeout = {seconds}, \
                 innodb_lock_wait_timeout = {seconds}",
                modes_of_reading(&modes),
                self.timezone
            )))
            .await?;
        connection.execute("SET SESSION TRANSACTION READ ONLY").await?;
        limit(connection, self.statement_timeout).await
    }
}

fn modes_of_reading(modes: &str) -> String {
    let kept = modes.split(',').filter(|mode| MODES_OF_READING.contains(mode));
    kept.collect::<Vec<_>>().join(",")
}

/// Limits how long a statement may run. Servers before MySQL 5.7.8 and MariaDB 10.1 cannot; then our own patience is
/// the only limit.
pub(super) async fn limit(connection: &mut MySqlConnection, timeout: Duration) -> Result<(), sqlx::Error> {
    let product = Product::of(&version(connection).await?);
    match connection.execute(AssertSqlSafe(product.limit(timeout))).await {
        Err(error) if is_unknown_variable(&error) => Ok(()),
        other => other.map(drop),
    }
}

/// The server's version, in its own words.
pub(super) async fn version(connection: &mut MySqlConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT CAST(VERSION() AS CHAR)").fetch_one(connection).await
}

/// The session's time zone, in the server's words.
pub(super) async fn timezone(connection: &mut MySqlConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT CAST(@@session.time_zone AS CHAR)").fetch_one(connection).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_modes_that_read_a_query_otherwise_are_kept() {
        assert_eq!(
            modes_of_reading("STRICT_TRANS_TABLES,PIPES_AS_CONCAT,NO_ZERO_DATE,ANSI_QUOTES"),
            "PIPES_AS_CONCAT,ANSI_QUOTES"
        );
        assert_eq!(modes_of_reading(""), "");
    }

    #[test]
    fn each_server_has_its_own_word_for_the_limit() {
        let product = Product::of("10.11.6-MariaDB-0+deb12u1-log");
        assert_eq!(product.limit(Duration::from_millis(100)), "SET SESSION max_statement_time = 0.1");
        let product = Product::of("8.0.36");
        assert_eq!(
            (product.name(), product.limit(Duration::ZERO)),
            ("MySQL", "SET SESSION max_execution_time = 1".to_owned())
        );
    }
}
