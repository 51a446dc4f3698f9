//! The database that is filled, of whichever engine.

use std::str::FromStr;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, MySqlConnection, PgConnection, SqliteConnection};

/// A connection to it.
#[derive(Debug)]
pub(super) enum Target {
    Postgres(PgConnection),
    Mysql(MySqlConnection),
    Sqlite(SqliteConnection),
}

impl Target {
    /// Connects to the database at `url`; a SQLite file is created.
    pub(super) async fn connect(url: &str) -> Result<Self, sqlx::Error> {
        if url.starts_with("sqlite:") {
            // It is filled once, by us; if the machine goes down meanwhile, it is filled again.
            let options =
                SqliteConnectOptions::from_str(url)?.create_if_missing(true).synchronous(SqliteSynchronous::Off);
            Ok(Self::Sqlite(options.connect().await?))
        } else if url.starts_with("mysql:") || url.starts_with("mariadb:") {
            Ok(Self::Mysql(MySqlConnection::connect(url).await?))
        } else {
            Ok(Self::Postgres(PgConnection::connect(url).await?))
        }
    }

    /// Begins the transaction in which everything is filled.
    pub(super) async fn begin(&mut self) -> Result<(), sqlx::Error> {
        self.execute(match self {
            Self::Mysql(_) => {
                "SET sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES', autocommit = 0, unique_checks = 0"
            }
            Self::Postgres(_) | Self::Sqlite(_) => "BEGIN",
        })
        .await
    }

    /// Whether it has a table `certificates`.
    pub(super) async fn has_certificates(&mut self) -> Result<bool, sqlx::Error> {
        match self {
            Self::Postgres(connection) => {
                sqlx::query_scalar("SELECT to_regclass('certificates') IS NOT NULL").fetch_one(connection).await
            }
            Self::Mysql(connection) => {
                let query = "SELECT count(*) > 0 FROM information_schema.tables
                             WHERE table_schema = DATABASE() AND table_name = 'certificates'";
                sqlx::query_scalar(query).fetch_one(connection).await
            }
            Self::Sqlite(connection) => {
                let query = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'certificates'";
                sqlx::query_scalar(query).fetch_one(connection).await
            }
        }
    }

    /// The statement that lets the planner know what a table holds now, rather than when the server comes round to it.
    pub(super) fn analyze(&self) -> &'static str {
        match self {
            Self::Mysql(_) => "ANALYZE TABLE certificates, customers, technicians",
            Self::Postgres(_) | Self::Sqlite(_) => "ANALYZE",
        }
    }

    /// The statement that says in the database what a table was filled with; SQLite has no place for it.
    pub(super) fn label(&self, table: &str, label: &str) -> Option<String> {
        match self {
            Self::Postgres(_) => Some(format!("COMMENT ON TABLE {table} IS '{label}'")),
            Self::Mysql(_) => Some(format!("ALTER TABLE {table} COMMENT = '{label}'")),
            Self::Sqlite(_) => None,
        }
    }

    pub(super) async fn execute(&mut self, statement: &str) -> Result<(), sqlx::Error> {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        match self {
            Self::Postgres(connection) => statement.execute(connection).await.map(drop),
            Self::Mysql(connection) => statement.execute(connection).await.map(drop),
            Self::Sqlite(connection) => statement.execute(connection).await.map(drop),
        }
    }

    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(connection) => connection.close().await,
            Self::Mysql(connection) => connection.close().await,
            Self::Sqlite(connection) => connection.close().await,
        }
    }
}
