//! Filling databases: the two reference schemas, and rows by `COPY`.

mod rows;

use std::io;
use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

pub(crate) use rows::{Line, Row};

use rows::Chunks;

/// The legacy schema of the reference, plain SQL for every engine.
pub const LEGACY_SCHEMA: &str = include_str!("../sql/legacy.sql");

/// The destination schema of the reference.
pub const DESTINATION_SCHEMA: &str = include_str!("../../store/reference/destination.sql");

/// Why a database could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused, or was not there.
    #[error("could not {action} {subject}")]
    Sql {
        /// What was being done.
        action: &'static str,
        /// What it was done to.
        subject: String,
        /// What the database answered.
        #[source]
        source: sqlx::Error,
    },
    /// A file could not be read or written.
    #[error("could not {action} {path}", path = .path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// What it was done to.
        path: PathBuf,
        /// What the operating system answered.
        #[source]
        source: io::Error,
    },
}

/// The result of filling a database.
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(crate) fn sql(action: &'static str, subject: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Error {
    let subject = subject.into();
    move |source| Error::Sql { action, subject, source }
}

/// A database that is being filled, in one transaction: interrupted half-way, it is as it was.
#[derive(Debug)]
pub(crate) struct Loader {
    connection: PgConnection,
}

impl Loader {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let connection = PgConnection::connect(url).await.map_err(sql("connect to", "the database to fill"))?;
        let mut loader = Self { connection };
        loader.execute("BEGIN", "begin to fill", "the database").await?;
        Ok(loader)
    }

    /// Makes the tables of `schema` unless the database has a `certificates` table.
    pub(crate) async fn ensure_schema(&mut self, schema: &str) -> Result<()> {
        let there: bool = sqlx::query_scalar("SELECT to_regclass('certificates') IS NOT NULL")
            .fetch_one(&mut self.connection)
            .await
            .map_err(sql("look for", "certificates"))?;
        if there { Ok(()) } else { self.execute(schema, "create", "the tables of the reference").await }
    }

    /// Copies a CSV file whose first line names the columns, with `\N` for NULL, into a table.
    pub(crate) async fn copy_csv(&mut self, table: &str, path: &Path) -> Result<()> {
        let file = |source| Error::File { action: "read", path: path.to_owned(), source };
        let text = std::fs::read(path).map_err(file)?;
        let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let columns = String::from_utf8_lossy(header).trim_end().to_owned();
        self.copy(table, &columns, r"FORMAT csv, HEADER true, NULL '\N'", [text]).await
    }

    /// Copies rows into a table, chunk by chunk.
    pub(crate) async fn copy_rows<R: Row>(&mut self, table: &str, rows: impl Iterator<Item = R>) -> Result<()> {
        self.copy(table, R::COLUMNS, "FORMAT text", Chunks::of(rows)).await
    }

    async fn copy(
        &mut self,
        table: &str,
        columns: &str,
        options: &str,
        chunks: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<()> {
        let fill = || sql("fill", table);
        let statement = format!("COPY {table} ({columns}) FROM STDIN WITH ({options})");
        let mut copy = self.connection.copy_in_raw(&statement).await.map_err(fill())?;
        for chunk in chunks {
            copy.send(chunk).await.map_err(fill())?;
        }
        copy.finish().await.map_err(fill())?;
        Ok(())
    }

    /// Lets the identities of tables that were filled with ids go on after the highest of them.
    pub(crate) async fn continue_identities(&mut self, tables: &[&str]) -> Result<()> {
        for table in tables {
            let last = format!("SELECT max(id) FROM {table} HAVING count(*) > 0");
            let statement = format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), ({last}))");
            self.execute(&statement, "continue the ids of", table).await?;
        }
        Ok(())
    }

    /// Says in the database what a table was filled with.
    pub(crate) async fn label(&mut self, table: &str, label: &str) -> Result<()> {
        self.execute(&format!("COMMENT ON TABLE {table} IS '{label}'"), "label", table).await
    }

    /// Commits. The planner gets to know what the tables hold now, rather than when autovacuum comes round.
    pub(crate) async fn finish(mut self) -> Result<()> {
        self.execute("COMMIT", "commit to", "the database").await?;
        self.execute("ANALYZE", "analyze", "the tables").await?;
        self.connection.close().await.map_err(sql("leave", "the database"))
    }

    async fn execute(&mut self, statement: &str, action: &'static str, subject: &str) -> Result<()> {
        let statement = AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement).execute(&mut self.connection).await.map(drop).map_err(sql(action, subject))
    }
}

/// Creates the tables of the legacy reference schema, unless they are there.
pub async fn legacy_schema(url: &str) -> Result<()> {
    schema(url, LEGACY_SCHEMA).await
}

/// Creates the tables of the destination reference schema, unless they are there.
pub async fn destination_schema(url: &str) -> Result<()> {
    schema(url, DESTINATION_SCHEMA).await
}

async fn schema(url: &str, schema: &str) -> Result<()> {
    let mut loader = Loader::connect(url).await?;
    loader.ensure_schema(schema).await?;
    loader.finish().await
}
