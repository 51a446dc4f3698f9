//! The reader for SQLite.

mod failure;
mod key;
mod statements;

use std::str::FromStr;
use std::time::{Duration, Instant};

use certferry_certificate::LegacyText;
use certferry_connection::{Renewable, Usage};
use futures::{FutureExt, TryStreamExt, future::BoxFuture};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions, Connection, Executor, Row, SqlSafeStr, SqliteConnection, Statement,
    TypeInfo, ValueRef,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::key::{Ids, Question};
use crate::query::Queries;
use crate::reader::{
    ANSWER_GRACE, About, COUNT_TIMEOUT, Column, ColumnKind, Dialect, Identity, Reader, SURVEY_TIMEOUT,
};
use crate::text::{id, id_and_size, text};
use crate::{Entity, Error, Settings};
use statements::Statements;

/// How many steps of SQLite's machine go by between two looks at the clock: well below a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

#[derive(Debug)]
pub(crate) struct SqliteReader {
    pool: Renewable<sqlx::Sqlite>,
    location: String,
    queries: Queries,
    /// The statements of each entity, made when its columns are first asked for.
    certificates: OnceCell<Statements>,
    customers: OnceCell<Statements>,
    technicians: OnceCell<Statements>,
    acquire_timeout: Duration,
    statement_timeout: Duration,
}

impl SqliteReader {
    pub(crate) async fn connect(url: &str, settings: &Settings) -> Result<Self, Error> {
        let queries = Queries::new(settings, |entity| match entity {
            Entity::Certificates => include_str!("../../../../config/source/sqlite/certificates.sql"),
            Entity::Customers => include_str!("../../../../config/source/sqlite/customers.sql"),
            Entity::Technicians => include_str!("../../../../config/source/sqlite/technicians.sql"),
        })?;
        let options = options(url)?.busy_timeout(settings.statement_timeout);
        let location = format!("sqlite:{}", options.get_filename().display());
        if !options.get_filename().is_file() {
            return Err(Error::Refused { location, reason: "there is no such file".to_owned() });
        }

        // The pool would only say that no connection came in time; a first one of our own says why.
        let failure = Failure {
            location: location.clone(),
            entity: Entity::Certificates,
            action: "opening it".to_owned(),
            acquire_timeout: settings.connect_timeout,
            statement_timeout: settings.connect_timeout,
            meaning: failure::meaning,
        };
        let attempt = async {
            let mut connection = SqliteConnection::connect_with(&options).await?;
            connection.execute("SELECT count(*) FROM sqlite_schema").await?;
            connection.close().await
        };
        match timeout(settings.connect_timeout, attempt).await {
            Ok(opened) => opened.map_err(|error| failure.of(&error))?,
            Err(_) => return Err(failure.timeout(settings.connect_timeout)),
        }

        let (max_connections, acquire_timeout) = (settings.max_connections, settings.acquire_timeout);
        let pool = Renewable::new(move || {
            SqlitePoolOptions::new()
                .max_connections(max_connections)
                .acquire_timeout(acquire_timeout)
                .connect_lazy_with(options.clone())
        });
        Ok(Self {
            pool,
            location,
            queries,
            certificates: OnceCell::new(),
            customers: OnceCell::new(),
            technicians: OnceCell::new(),
            acquire_timeout: settings.acquire_timeout,
            statement_timeout: settings.statement_timeout,
        })
    }

    /// The statements around the query of `entity`.
    async fn statements(&self, entity: Entity) -> Result<&Statements, Error> {
        let cell = match entity {
            Entity::Certificates => &self.certificates,
            Entity::Customers => &self.customers,
            Entity::Technicians => &self.technicians,
        };
        cell.get_or_try_init(|| async {
            let columns = self.described(entity, &format!("reading {entity}")).await?;
            Ok(Statements::new(entity, &self.queries, &columns))
        })
        .await
    }

    async fn described(&self, entity: Entity, action: &str) -> Result<Vec<Column>, Error> {
        let failure = self.failure(entity, action);
        let mut connection = self.pool.pool().acquire().await.map_err(|error| failure.of(&error))?;
        let sql = AssertSqlSafe(statements::whole(entity, &self.queries)).into_sql_str();
        // A file that somebody else has locked is waited for just as long as a statement may take.
        let statement = timeout(self.statement_timeout + ANSWER_GRACE, (&mut *connection).prepare(sql))
            .await
            .map_err(|_| failure.timeout(self.statement_timeout))?
            .map_err(|error| failure.of(&error))?;
        let column = |column: &sqlx::sqlite::SqliteColumn| Column {
            // Of two columns with one name SQLite calls the second `name:1`.
            name: column.name().split(':').next().unwrap_or_default().to_owned(),
            type_name: column.type_info().name().to_lowercase(),
            // What a column is declared to hold says little about what is in it.
            kind: ColumnKind::Any,
        };
        Ok(statement.columns().iter().map(column).collect())
    }

    fn failure(&self, entity: Entity, action: &str) -> Failure {
        Failure {
            location: self.location.clone(),
            entity,
            action: action.to_owned(),
            acquire_timeout: self.acquire_timeout,
            statement_timeout: self.statement_timeout,
            meaning: failure::meaning,
        }
    }

    async fn fetch(&self, entity: Entity, action: &str, statement: String) -> Result<Vec<SqliteRow>, Error> {
        let failure = self.failure(entity, action);
        let waited = self.acquire_timeout + self.statement_timeout + ANSWER_GRACE;
        match timeout(waited, self.fetch_within(statement, self.statement_timeout)).await {
            Ok(rows) => rows.map_err(|error| failure.of(&error)),
            Err(_) => Err(failure.timeout(waited)),
        }
    }

    async fn fetch_within(&self, statement: String, limit: Duration) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let mut connection = self.limited(limit).await?;
        // One statement, and not kept: each names its own ids.
        sqlx::query(AssertSqlSafe(statement)).persistent(false).fetch_all(&mut *connection).await
    }

    /// Gives each row to `each`, within a time limit of its own.
    async fn each_within(
        &self,
        statement: String,
        limit: Duration,
        each: &mut (dyn FnMut(&[LegacyText]) + Send),
    ) -> Result<(), sqlx::Error> {
        let mut connection = self.limited(limit).await?;
        let mut rows = sqlx::query(AssertSqlSafe(statement)).persistent(false).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            each(&texts(&row));
        }
        Ok(())
    }

    /// A connection whose next statement may take so long. SQLite has no time limit of its own: every so many steps it
    /// asks whether to go on.
    async fn limited(&self, limit: Duration) -> Result<PoolConnection<sqlx::Sqlite>, sqlx::Error> {
        let mut connection = self.pool.pool().acquire().await?;
        let end = Instant::now() + limit;
        connection.lock_handle().await?.set_progress_handler(STEPS_BETWEEN_LOOKS, move || Instant::now() < end);
        Ok(connection)
    }

    async fn ids_with_ecu_numbers(&self, action: &str, statement: String) -> Result<Vec<(i64, LegacyText)>, Error> {
        let rows = self.fetch(Entity::Certificates, action, statement).await?;
        Ok(rows.iter().filter_map(|row| Some((id(&value(row, 0))?, value(row, 1)))).collect())
    }
}

impl Reader for SqliteReader {
    fn ids(&self, entity: Entity) -> BoxFuture<'_, Result<&Ids, Error>> {
        async move { Ok(&self.statements(entity).await?.ids) }.boxed()
    }

    fn ask<'a>(
        &'a self,
        entity: Entity,
        action: &'a str,
        question: Question<'a>,
    ) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>> {
        async move { Ok(self.fetch(entity, action, question.sql).await?.iter().map(texts).collect()) }.boxed()
    }

    fn survey<'a>(
        &'a self,
        entity: Entity,
        action: &'a str,
        question: Question<'a>,
        each: &'a mut (dyn FnMut(&[LegacyText]) + Send),
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let limit = SURVEY_TIMEOUT.max(self.statement_timeout);
            let failure = Failure { statement_timeout: limit, ..self.failure(entity, action) };
            let reading = self.each_within(question.sql, limit, each);
            match timeout(self.acquire_timeout + limit + ANSWER_GRACE, reading).await {
                Ok(done) => done.map_err(|error| failure.of(&error)),
                Err(_) => Err(failure.timeout(limit)),
            }
        }
        .boxed()
    }

    fn present<'a>(&'a self, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<(i64, LegacyText)>, Error>> {
        async move {
            let statement = self.statements(Entity::Certificates).await?.present(ids);
            self.ids_with_ecu_numbers("looking certificate ids up", statement).await
        }
        .boxed()
    }

    fn identities<'a>(&'a self, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>> {
        async move {
            let statement = self.statements(Entity::Certificates).await?.identities(ids);
            let rows = self.fetch(Entity::Certificates, "reading what identifies certificates", statement).await?;
            Ok(rows.iter().map(texts).collect())
        }
        .boxed()
    }

    fn rows<'a>(&'a self, entity: Entity, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>> {
        async move {
            let statement = self.statements(entity).await?.by_id(ids);
            let rows = self.fetch(entity, &format!("reading {entity}"), statement).await?;
            Ok(rows.iter().map(texts).collect())
        }
        .boxed()
    }

    fn large_certificates<'a>(&'a self, ids: &'a [i64], small: u64) -> BoxFuture<'a, Result<Vec<(i64, u64)>, Error>> {
        async move {
            let statement = self.statements(Entity::Certificates).await?.large_certificates(ids, small);
            let rows = self.fetch(Entity::Certificates, "measuring certificates", statement).await?;
            Ok(rows.iter().filter_map(|row| id_and_size(&value(row, 0), &value(row, 1))).collect())
        }
        .boxed()
    }

    fn count<'a>(&'a self, ecu_numbers: Option<&'a [String]>) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        async move {
            let failure = self.failure(Entity::Certificates, "counting certificates");
            let question = self.statements(Entity::Certificates).await?.ids.count(ecu_numbers);
            let limit = COUNT_TIMEOUT.min(self.statement_timeout);
            let waited = self.acquire_timeout + limit + ANSWER_GRACE;
            let mut count = None;
            let mut each = |row: &[LegacyText]| count = row.first().and_then(id);
            match timeout(waited, self.each_within(question.sql, limit, &mut each)).await {
                Ok(Ok(())) => Ok(count.and_then(|count| u64::try_from(count).ok())),
                Ok(Err(error)) if failure::is_interrupted(&error) => Ok(None),
                Ok(Err(error)) => Err(failure.of(&error)),
                Err(_) => Err(failure.timeout(waited)),
            }
        }
        .boxed()
    }

    fn location(&self) -> &str {
        &self.location
    }

    fn about(&self) -> BoxFuture<'_, Result<About, Error>> {
        async move {
            let statement = "SELECT sqlite_version()".to_owned();
            let rows = self.fetch(Entity::Certificates, "asking for the version", statement).await?;
            let version = match rows.first().map(|row| value(row, 0)) {
                Some(LegacyText::Text(version)) => version,
                _ => "of no version".to_owned(),
            };
            let location = self.location.clone();
            Ok(About { product: "SQLite", version, location, security: None, timezone: None })
        }
        .boxed()
    }

    /// A file has no name of its own: what it is called differs from machine to machine.
    fn identity(&self) -> BoxFuture<'_, Result<Identity, Error>> {
        async move { Ok(Identity::default()) }.boxed()
    }

    fn columns(&self, entity: Entity) -> BoxFuture<'_, Result<Vec<Column>, Error>> {
        async move { self.described(entity, &format!("the query for {entity}")).await }.boxed()
    }

    fn is_key_indexed(&self, entity: Entity) -> BoxFuture<'_, Result<bool, Error>> {
        async move {
            let statement = self.statements(entity).await?.explain();
            let rows = self.fetch(entity, &format!("explaining the query for {entity}"), statement).await?;
            let details = rows.iter().filter_map(|row| match value(row, 3) {
                LegacyText::Text(detail) => Some(detail),
                _ => None,
            });
            Ok(finds_by_index(entity.alias(), &details.collect::<Vec<_>>()))
        }
        .boxed()
    }

    fn dialect(&self) -> Dialect {
        Dialect { instant_of_epoch: "strftime('%Y-%m-%dT%H:%M:%SZ', …, 'unixepoch')" }
    }

    fn refresh(&self) {
        self.pool.refresh();
    }

    fn usage(&self) -> Usage {
        self.pool.usage()
    }

    fn system(&self) -> &'static str {
        "sqlite"
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move { self.pool.pool().close().await }.boxed()
    }
}

/// Whether the rows wanted are found by an index, by the lines of `EXPLAIN QUERY PLAN`.
///
/// The table that is read first is the one that the condition on the id is about. Where that is the result of a query of
/// its own, which goes by our `alias` for it, no part of that may be read whole.
fn finds_by_index(alias: &str, lines: &[String]) -> bool {
    let is_own_result = |line: &String| line == &format!("SCAN {alias}");
    match lines.first() {
        Some(first) if first.starts_with("SEARCH ") => first.contains("=?"),
        Some(first) if first.starts_with("SCAN ") => false,
        _ => !lines.iter().any(|line| line.starts_with("SCAN ") && !is_own_result(line)),
    }
}

/// The options of a URL: only to read, never to create.
fn options(url: &str) -> Result<SqliteConnectOptions, Error> {
    let wrong = |reason: String| Error::Url { reason };
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(wrong("a database in memory holds nothing to migrate".to_owned()));
    }
    let options = SqliteConnectOptions::from_str(url).map_err(|error| match error {
        sqlx::Error::Configuration(reason) => wrong(reason.to_string()),
        other => wrong(other.to_string()),
    })?;
    if options.get_filename().as_os_str().is_empty() {
        return Err(wrong("it names no file".to_owned()));
    }
    Ok(options.read_only(true).create_if_missing(false).pragma("query_only", "on").disable_statement_logging())
}

/// The value at `at`, which the statement has cast to text.
fn value(row: &SqliteRow, at: usize) -> LegacyText {
    match row.try_get_raw(at) {
        Ok(raw) if !raw.is_null() => text(row.try_get_unchecked::<&[u8], _>(at).ok()),
        _ => LegacyText::Null,
    }
}

/// All values of a row.
fn texts(row: &SqliteRow) -> Vec<LegacyText> {
    (0..row.len()).map(|at| value(row, at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_an_index_or_the_table_is_read() {
        let found = |lines: &[&str]| {
            finds_by_index("customer", &lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
        };
        assert!(found(&["SEARCH people USING INTEGER PRIMARY KEY (rowid=?)", "SCAN names"]));
        assert!(!found(&["SCAN names", "SEARCH people USING INTEGER PRIMARY KEY (rowid=?)"]));
        assert!(!found(&["SEARCH people USING INDEX of_names (name>?)"]));
        let search = "SEARCH people USING COVERING INDEX people_id (id=?)";
        assert!(found(&["CO-ROUTINE customer", "COMPOUND QUERY", search, search, "SCAN customer"]));
        assert!(!found(&["CO-ROUTINE customer", "COMPOUND QUERY", search, "SCAN old_people", "SCAN customer"]));
    }

    #[test]
    fn a_url_names_a_file() {
        let file = |url: &str| options(url).map(|options| options.get_filename().display().to_string());
        assert_eq!(file("sqlite:legacy.db").ok().as_deref(), Some("legacy.db"));
        assert_eq!(file("sqlite:///var/legacy%20.db").ok().as_deref(), Some("/var/legacy .db"));
        for (url, reason) in
            [("sqlite::memory:", "a database in memory holds nothing to migrate"), ("sqlite:", "it names no file")]
        {
            let error = file(url).expect_err(url);
            assert_eq!(error.to_string(), format!("the source URL cannot be used: {reason}"));
        }
    }
}
