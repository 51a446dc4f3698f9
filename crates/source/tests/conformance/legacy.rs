//! A legacy database of each engine.

use std::str::FromStr;

use certferry_source::{Settings, Source};
use certferry_testkit::{load, mariadb, postgres};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, MySqlConnection, PgConnection};
use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    Mariadb,
    Sqlite,
}

pub(crate) struct Legacy {
    pub(crate) engine: Engine,
    url: String,
    _folder: Option<TempDir>,
}

impl Legacy {
    /// A database without a table.
    pub(crate) async fn bare(engine: Engine) -> Self {
        match engine {
            Engine::Postgres => {
                let database = postgres::Database::fresh(postgres::Template::empty()).await.expect("a database");
                Self { engine, url: database.url(), _folder: None }
            }
            Engine::Mariadb => {
                let database = mariadb::Database::fresh().await.expect("a database");
                Self { engine, url: database.url(), _folder: None }
            }
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("a folder");
                let url = format!("sqlite:{}", folder.path().join("legacy.db").display());
                Self { engine, url, _folder: Some(folder) }
            }
        }
    }

    /// The reference schema, without a row.
    pub(crate) async fn empty(engine: Engine) -> Self {
        let legacy = Self::bare(engine).await;
        load::legacy_schema(&legacy.url).await.expect("the reference schema");
        legacy
    }

    /// Certificates with these ids and ECU numbers.
    pub(crate) async fn insert_certificates(&self, rows: impl IntoIterator<Item = (i64, &str)>) {
        let rows: Vec<String> =
            rows.into_iter().map(|(id, ecu)| format!("({id}, '{}')", ecu.replace('\'', "''"))).collect();
        for rows in rows.chunks(1000) {
            self.execute(&format!("INSERT INTO certificates (id, ecu_number) VALUES {}", rows.join(", "))).await;
        }
    }

    /// Runs statements, in MariaDB without a strict mode and with standard strings.
    pub(crate) async fn execute(&self, sql: &str) {
        let statements = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let done = match self.engine {
            Engine::Postgres => {
                let mut connection = PgConnection::connect(&self.url).await.expect("a connection");
                statements.execute(&mut connection).await.map(drop)
            }
            Engine::Mariadb => {
                let mut connection = MySqlConnection::connect(&self.url).await.expect("a connection");
                let mode = "SET sql_mode = 'NO_BACKSLASH_ESCAPES'";
                sqlx::raw_sql(mode).execute(&mut connection).await.expect("a mode");
                statements.execute(&mut connection).await.map(drop)
            }
            Engine::Sqlite => {
                let options = SqliteConnectOptions::from_str(&self.url).expect("a URL").create_if_missing(true);
                let mut connection = options.connect().await.expect("a connection");
                let done = statements.execute(&mut connection).await.map(drop);
                connection.close().await.expect("the connection closes");
                done
            }
        };
        done.unwrap_or_else(|error| panic!("{error} in {sql}"));
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn source(&self) -> Source {
        self.source_with(&Settings::default()).await
    }

    pub(crate) async fn source_with(&self, settings: &Settings) -> Source {
        Source::connect(&self.url, settings).await.expect("a source")
    }
}
