//! Filling databases: the two reference schemas, and rows by `COPY`, or by `INSERT` where the engine has no `COPY`.

mod rows;
mod statements;
mod target;

use std::io;
use std::path::{Path, PathBuf};

use sqlx::PgConnection;

pub(crate) use rows::{Line, Row};

use rows::Chunks;
use target::Target;

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
    target: Target,
}

impl Loader {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let mut target = Target::connect(url).await.map_err(sql("connect to", "the database to fill"))?;
        target.begin().await.map_err(sql("begin to fill", "the database"))?;
        Ok(Self { target })
    }

    /// Makes the tables of `schema` unless the database has a `certificates` table.
    pub(crate) async fn ensure_schema(&mut self, schema: &str) -> Result<()> {
        let there = self.target.has_certificates().await.map_err(sql("look for", "certificates"))?;
        if there { Ok(()) } else { self.execute(schema, "create", "the tables of the reference").await }
    }

    /// Copies a CSV file whose first line names the columns, with `\N` for NULL, into a table.
    pub(crate) async fn copy_csv(&mut self, table: &str, path: &Path) -> Result<()> {
        let file = |source| Error::File { action: "read", path: path.to_owned(), source };
        let text = std::fs::read(path).map_err(file)?;
        let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let columns = String::from_utf8_lossy(header).trim_end().to_owned();
        if let Target::Postgres(connection) = &mut self.target {
            return copy(connection, table, &columns, r"FORMAT csv, HEADER true, NULL '\N'", [text]).await;
        }
        let rows = statements::rows_of_csv(&text).map_err(|error| file(io::Error::other(error)))?;
        self.insert(table, &columns, rows.into_iter()).await
    }

    /// Copies rows into a table, chunk by chunk.
    pub(crate) async fn copy_rows<R: Row>(&mut self, table: &str, rows: impl Iterator<Item = R>) -> Result<()> {
        let chunks = Chunks::of(rows);
        if let Target::Postgres(connection) = &mut self.target {
            return copy(connection, table, R::COLUMNS, "FORMAT text", chunks).await;
        }
        self.insert(table, R::COLUMNS, chunks.flat_map(|chunk| statements::rows_of_text(&chunk))).await
    }

    async fn insert(
        &mut self,
        table: &str,
        columns: &str,
        rows: impl Iterator<Item = Vec<Option<String>>>,
    ) -> Result<()> {
        for statement in statements::inserts(table, columns, rows) {
            self.execute(&statement, "fill", table).await?;
        }
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

    /// Says in the database what a table was filled with, where it has a place for that.
    pub(crate) async fn label(&mut self, table: &str, label: &str) -> Result<()> {
        match self.target.label(table, label) {
            Some(statement) => self.execute(&statement, "label", table).await,
            None => Ok(()),
        }
    }

    /// Commits. The planner gets to know what the tables hold now, rather than when autovacuum comes round.
    pub(crate) async fn finish(mut self) -> Result<()> {
        self.execute("COMMIT", "commit to", "the database").await?;
        let analyze = self.target.analyze();
        self.execute(analyze, "analyze", "the tables").await?;
        self.target.close().await.map_err(sql("leave", "the database"))
    }

    async fn execute(&mut self, statement: &str, action: &'static str, subject: &str) -> Result<()> {
        self.target.execute(statement).await.map_err(sql(action, subject))
    }
}

async fn copy(
    connection: &mut PgConnection,
    table: &str,
    columns: &str,
    options: &str,
    chunks: impl IntoIterator<Item = Vec<u8>>,
) -> Result<()> {
    let fill = || sql("fill", table);
    let statement = format!("COPY {table} ({columns}) FROM STDIN WITH ({options})");
    let mut copy = connection.copy_in_raw(&statement).await.map_err(fill())?;
    for chunk in chunks {
        copy.send(chunk).await.map_err(fill())?;
    }
    copy.finish().await.map_err(fill())?;
    Ok(())
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
