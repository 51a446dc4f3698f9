//! What every session is told, whatever the server's settings: only read, give up in time, and write everything in one
//! way.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor, MySqlConnection};

use super::failure::is_unknown_variable;

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

/// Makes a new connection into a session of ours.
pub(super) async fn prepare(connection: &mut MySqlConnection, statement_timeout: Duration) -> Result<(), sqlx::Error> {
    let seconds = statement_timeout.as_secs().max(1);
    connection
        .execute(AssertSqlSafe(format!(
            "SET SESSION sql_mode = '', time_zone = '+00:00', lock_wait_timeout = {seconds}, \
             innodb_lock_wait_timeout = {seconds}"
        )))
        .await?;
    connection.execute("SET SESSION TRANSACTION READ ONLY").await?;
    limit(connection, statement_timeout).await
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

#[cfg(test)]
mod tests {
    use super::*;

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
