//! The reader for MariaDB and MySQL.

mod explain;
mod failure;
mod key;
mod location;
mod security;
mod session;
mod statements;

use std::time::Duration;

use certferry_certificate::LegacyText;
use certferry_connection::{IDLE, Renewable, Usage};
use futures::{FutureExt, TryStreamExt, future::BoxFuture};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions, Connection, Executor, MySqlConnection, Row, SqlSafeStr, Statement,
    TypeInfo, ValueRef,
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlRow, MySqlSslMode},
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
use session::{Product, Session};
use statements::Statements;

#[derive(Debug)]
pub(crate) struct MysqlReader {
    pool: Renewable<sqlx::MySql>,
    location: String,
    ssl_mode: MySqlSslMode,
    queries: Queries,
    /// The statements of each entity, made when its columns are first asked for.
    certificates: OnceCell<Statements>,
    customers: OnceCell<Statements>,
    technicians: OnceCell<Statements>,
    acquire_timeout: Duration,
    answer_timeout: Duration,
    statement_timeout: Duration,
}

impl MysqlReader {
    pub(crate) async fn connect(url: &str, settings: &Settings) -> Result<Self, Error> {
        let queries = Queries::new(settings, |entity| match entity {
            Entity::Certificates => include_str!("../../../../config/source/mysql/certificates.sql"),
            Entity::Customers => include_str!("../../../../config/source/mysql/customers.sql"),
            Entity::Technicians => include_str!("../../../../config/source/mysql/technicians.sql"),
        })?;
        let options = location::options(url)?
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None)
            .disable_statement_logging();
        let location = location::without_password(&options);
        let ssl_mode = options.get_ssl_mode();
        let statement_timeout = settings.statement_timeout;

        // The pool would only say that no connection came in time; a first one of our own says why.
        let session = Session::new(statement_timeout, settings.timezone);
        first_connection(&options, &location, settings, &session).await?;

        let (max_connections, acquire_timeout) = (settings.max_connections, settings.acquire_timeout);
        let pool = Renewable::new(move || {
            let session = session.clone();
            MySqlPoolOptions::new()
                .max_connections(max_connections)
                .acquire_timeout(acquire_timeout)
                .idle_timeout(IDLE)
                .test_before_acquire(false)
                .after_connect(move |connection, _| {
                    let session = session.clone();
                    async move { session.prepare(connection).await }.boxed()
                })
                .connect_lazy_with(options.clone())
        });
        Ok(Self {
            pool,
            location,
            ssl_mode,
            queries,
            certificates: OnceCell::new(),
            customers: OnceCell::new(),
            technicians: OnceCell::new(),
            acquire_timeout: settings.acquire_timeout,
            answer_timeout: statement_timeout + ANSWER_GRACE,
            statement_timeout,
        })
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
        let Ok(statement) = timeout(self.answer_timeout, (&mut *connection).prepare(sql)).await else {
            connection.close_on_drop();
            return Err(failure.timeout(self.answer_timeout));
        };
        let statement = statement.map_err(|error| failure.of(&error))?;
        let column = |column: &sqlx::mysql::MySqlColumn| {
            let type_name = column.type_info().name().to_owned();
            Column { name: column.name().to_owned(), kind: kind(&type_name), type_name }
        };
        Ok(statement.columns().iter().map(column).collect())
    }

    async fn fetch(&self, entity: Entity, action: &str, statement: String) -> Result<Vec<MySqlRow>, Error> {
        let failure = self.failure(entity, action);
        let mut connection = self.pool.pool().acquire().await.map_err(|error| failure.of(&error))?;
        let reading = sqlx::raw_sql(AssertSqlSafe(statement)).fetch_all(&mut *connection);
        let Ok(rows) = timeout(self.answer_timeout, reading).await else {
            // An answer may still be under way on it, or nothing at all: it is of no more use.
            connection.close_on_drop();
            return Err(failure.timeout(self.answer_timeout));
        };
        rows.map_err(|error| failure.of(&error))
    }

    async fn ids_with_ecu_numbers(&self, action: &str, statement: String) -> Result<Vec<(i64, LegacyText)>, Error> {
        let rows = self.fetch(Entity::Certificates, action, statement).await?;
        Ok(rows.iter().filter_map(|row| Some((id(&value(row, 0))?, value(row, 1)))).collect())
    }

    /// Runs a statement within a time limit of its own and gives each row to `each`.
    async fn each_within(
        &self,
        statement: String,
        limit: Duration,
        each: &mut (dyn FnMut(&[LegacyText]) + Send),
    ) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.pool().acquire().await?;
        // Its limit is another one now, so nobody is to have it after us.
        connection.close_on_drop();
        session::limit(&mut connection, limit).await?;
        let mut rows = sqlx::raw_sql(AssertSqlSafe(statement)).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            each(&texts(&row));
        }
        Ok(())
    }
}

impl Reader for MysqlReader {
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
            let mut count = None;
            let mut each = |row: &[LegacyText]| count = row.first().and_then(id);
            let counting = self.each_within(question.sql, limit, &mut each);
            match timeout(self.acquire_timeout + self.answer_timeout, counting).await {
                Ok(Ok(())) => Ok(count.and_then(|count| u64::try_from(count).ok())),
                Ok(Err(error)) if failure::is_statement_timeout(&error) => Ok(None),
                Ok(Err(error)) => Err(failure.of(&error)),
                Err(_) => Err(failure.timeout(self.acquire_timeout + self.answer_timeout)),
            }
        }
        .boxed()
    }

    fn location(&self) -> &str {
        &self.location
    }

    fn about(&self) -> BoxFuture<'_, Result<About, Error>> {
        async move {
            let failure = self.failure(Entity::Certificates, "asking for the version");
            let asking = async {
                let mut connection = self.pool.pool().acquire().await?;
                let version = session::version(&mut connection).await?;
                let timezone = session::timezone(&mut connection).await?;
                Ok::<_, sqlx::Error>((version, timezone, security::of(&mut connection, self.ssl_mode).await?))
            };
            let (version, timezone, security) = timeout(self.acquire_timeout + self.answer_timeout, asking)
                .await
                .map_err(|_| failure.timeout(self.answer_timeout))?
                .map_err(|error| failure.of(&error))?;
            let product = Product::of(&version).name();
            let (location, timezone) = (self.location.clone(), Some(timezone));
            Ok(About { product, version, location, security: Some(security), timezone })
        }
        .boxed()
    }

    fn identity(&self) -> BoxFuture<'_, Result<Identity, Error>> {
        async move {
            let name = "SELECT CAST(DATABASE() AS CHAR)".to_owned();
            let name = self.fetch(Entity::Certificates, "asking for the database's name", name).await?;
            let mut server = None;
            // MySQL's and MariaDB's own; older servers have none.
            for variable in ["server_uuid", "server_uid"] {
                let asking = format!("SELECT CAST(@@{variable} AS CHAR)");
                match self.fetch(Entity::Certificates, "asking for the server's identifier", asking).await {
                    Err(Error::Query { .. }) => {}
                    rows => server = server.or(rows?.first().and_then(text_of_first)),
                }
            }
            Ok(Identity { database: name.first().and_then(text_of_first), server })
        }
        .boxed()
    }

    fn columns(&self, entity: Entity) -> BoxFuture<'_, Result<Vec<Column>, Error>> {
        async move { self.described(entity, &format!("the query for {entity}")).await }.boxed()
    }

    fn is_key_indexed(&self, entity: Entity) -> BoxFuture<'_, Result<bool, Error>> {
        async move {
            let statement = self.statements(entity).await?.explain();
            let rows = self.fetch(entity, &format!("explaining the query for {entity}"), statement).await?;
            Ok(explain::finds_by_index(&rows.iter().map(explained).collect::<Vec<_>>()))
        }
        .boxed()
    }

    fn dialect(&self) -> Dialect {
        Dialect { instant_of_epoch: "DATE_FORMAT(TIMESTAMP('1970-01-01') + INTERVAL … SECOND, '%Y-%m-%dT%H:%i:%sZ')" }
    }

    fn refresh(&self) {
        self.pool.refresh();
    }

    fn usage(&self) -> Usage {
        self.pool.usage()
    }

    fn system(&self) -> &'static str {
        "mysql"
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move { self.pool.pool().close().await }.boxed()
    }
}

async fn first_connection(
    options: &MySqlConnectOptions,
    location: &str,
    settings: &Settings,
    session: &Session,
) -> Result<(), Error> {
    let connect_timeout = settings.connect_timeout;
    let failure = Failure {
        location: location.to_owned(),
        entity: Entity::Certificates,
        action: "connecting".to_owned(),
        acquire_timeout: connect_timeout,
        statement_timeout: connect_timeout,
        meaning: failure::meaning,
    };
    let attempt = async {
        let mut connection = MySqlConnection::connect_with(options).await?;
        session.prepare(&mut connection).await?;
        // With TLS the server hangs up before the last word of it, and that is no failure to connect.
        if let Err(error) = connection.close().await {
            tracing::debug!(%error, "the first connection was not closed in order");
        }
        Ok(())
    };
    match timeout(connect_timeout, attempt).await {
        Ok(Err(error)) if failure::is_unknown_time_zone(&error) => {
            let (location, zone) = (location.to_owned(), settings.timezone.name());
            Err(Error::TimeZone { location, zone, reason: error.to_string() })
        }
        Ok(connected) => connected.map_err(|error| not_connected(&failure, &error)),
        Err(_) => Err(failure.timeout(connect_timeout)),
    }
}

/// What the driver says about TLS, in words for whoever writes the URL.
fn not_connected(failure: &Failure, error: &sqlx::Error) -> Error {
    let location = failure.location.clone();
    match error {
        // The driver has no way of its own to send such a password in the open.
        sqlx::Error::Configuration(reason) if reason.to_string().contains("rsa") => Error::Refused {
            location,
            reason:
                "it asks for this user's password over TLS only, which the connection has not; switch TLS on at the \
                     server, or have the user identified with mysql_native_password"
                    .to_owned(),
        },
        error => failure.of(error),
    }
}

/// The value at `at`, as the bytes of the text protocol.
fn value(row: &MySqlRow, at: usize) -> LegacyText {
    match row.try_get_raw(at) {
        Ok(raw) if !raw.is_null() => text(row.try_get_unchecked::<&[u8], _>(at).ok()),
        _ => LegacyText::Null,
    }
}

/// All values of a row.
fn texts(row: &MySqlRow) -> Vec<LegacyText> {
    (0..row.len()).map(|at| value(row, at)).collect()
}

fn text_of_first(row: &MySqlRow) -> Option<String> {
    if let LegacyText::Text(text) = value(row, 0) { Some(text) } else { None }
}

/// A column of `EXPLAIN`; empty where it is NULL.
fn named(row: &MySqlRow, name: &str) -> String {
    let at = row.columns().iter().position(|column| column.name().eq_ignore_ascii_case(name));
    match at.map(|at| value(row, at)) {
        Some(LegacyText::Text(text)) => text,
        _ => String::new(),
    }
}

fn explained(row: &MySqlRow) -> explain::Line {
    explain::Line {
        select_type: named(row, "select_type"),
        table: named(row, "table"),
        possible_keys: named(row, "possible_keys"),
        extra: named(row, "Extra"),
    }
}

fn kind(type_name: &str) -> ColumnKind {
    match type_name.strip_suffix(" UNSIGNED").unwrap_or(type_name) {
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" | "DECIMAL" | "FLOAT" | "DOUBLE"
        | "BIT" | "YEAR" => ColumnKind::Number,
        "DATE" | "DATETIME" | "TIMESTAMP" | "TIME" => ColumnKind::Moment,
        "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "ENUM" | "SET" | "JSON" => {
            ColumnKind::Text
        }
        _ => ColumnKind::Any,
    }
}
