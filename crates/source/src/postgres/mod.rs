//! The reader for PostgreSQL.

mod failure;
mod location;
mod statements;

use std::{sync::Arc, time::Duration};

use certferry_certificate::LegacyText;
use futures::{FutureExt, future::BoxFuture};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Executor, PgConnection, PgPool, Row, SqlSafeStr, Statement,
    TypeInfo, ValueRef,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow},
    query::Query,
};
use tokio::time::timeout;

use crate::{Entity, Error, Problem, Settings, query::Queries, reader::Reader, record::integer};
use failure::Failure;
use statements::Statements;

/// Counting is only for showing progress: it is given up early.
const COUNT_TIMEOUT: Duration = Duration::from_secs(5);

/// How much longer than the server's own statement timeout to wait for its answer, in case the connection is dead.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct PostgresReader {
    pool: PgPool,
    location: String,
    statements: Statements,
    acquire_timeout: Duration,
    answer_timeout: Duration,
    statement_timeout: Duration,
}

impl PostgresReader {
    pub(crate) async fn connect(url: &str, settings: &Settings) -> Result<Self, Error> {
        let queries = Queries::new(settings, |entity| match entity {
            Entity::Certificates => include_str!("../../../../config/source/postgres/certificates.sql"),
            Entity::Customers => include_str!("../../../../config/source/postgres/customers.sql"),
            Entity::Technicians => include_str!("../../../../config/source/postgres/technicians.sql"),
        })?;
        let options = location::options(url)?.application_name("certferry source").disable_statement_logging();
        let location = location::without_password(&options);
        let session = session(settings.statement_timeout);

        // The pool would only say that no connection came in time; a first one of our own says why.
        first_connection(&options, &session, &location, settings.connect_timeout).await?;

        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.acquire_timeout)
            .after_connect(move |connection, _| {
                let session = session.clone();
                async move { connection.execute(AssertSqlSafe(session)).await.map(|_| ()) }.boxed()
            })
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            location,
            statements: Statements::new(&queries),
            acquire_timeout: settings.acquire_timeout,
            answer_timeout: settings.statement_timeout + ANSWER_GRACE,
            statement_timeout: settings.statement_timeout,
        })
    }

    fn failure(&self, entity: Entity, action: &str) -> Failure {
        Failure {
            location: self.location.clone(),
            entity,
            action: action.to_owned(),
            acquire_timeout: self.acquire_timeout,
            statement_timeout: self.statement_timeout,
        }
    }

    async fn fetch(
        &self,
        entity: Entity,
        action: &str,
        query: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, Error> {
        let failure = self.failure(entity, action);
        let mut connection = self.pool.acquire().await.map_err(|error| failure.of(&error))?;
        let Ok(rows) = timeout(self.answer_timeout, query.fetch_all(&mut *connection)).await else {
            // An answer may still be under way on it, or nothing at all: it is of no more use.
            connection.close_on_drop();
            return Err(failure.timeout(self.answer_timeout));
        };
        rows.map_err(|error| failure.of(&error))
    }

    async fn ids_with_ecu_numbers(
        &self,
        action: &str,
        query: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<Vec<(i64, LegacyText)>, Error> {
        let rows = self.fetch(Entity::Certificates, action, query).await?;
        Ok(rows.iter().filter_map(|row| Some((id(row)?, text(row, 1)))).collect())
    }

    async fn count_within(&self, ecu_numbers: Option<&[String]>) -> Result<Option<u64>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let limit = format!("SET LOCAL statement_timeout = {}", COUNT_TIMEOUT.min(self.statement_timeout).as_millis());
        transaction.execute(AssertSqlSafe(limit)).await?;
        let query = match ecu_numbers {
            None => sqlx::query_scalar(AssertSqlSafe(Arc::clone(&self.statements.count))),
            Some(ecu_numbers) => {
                sqlx::query_scalar(AssertSqlSafe(Arc::clone(&self.statements.count_ecu_numbers))).bind(ecu_numbers)
            }
        };
        let counted: Result<i64, sqlx::Error> = query.fetch_one(&mut *transaction).await;
        transaction.rollback().await?;
        match counted {
            Ok(count) => Ok(u64::try_from(count).ok()),
            Err(error) if failure::is_statement_timeout(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names and types of the columns that the query of `entity` returns.
    async fn columns(&self, entity: Entity) -> Result<Vec<(String, String)>, Error> {
        let failure = self.failure(entity, &format!("the query for {entity}"));
        let mut connection = self.pool.acquire().await.map_err(|error| failure.of(&error))?;
        let sql = AssertSqlSafe(Arc::clone(&self.statements.of(entity).whole)).into_sql_str();
        let statement = timeout(self.answer_timeout, (&mut *connection).prepare(sql))
            .await
            .map_err(|_| failure.timeout(self.answer_timeout))?
            .map_err(|error| failure.of(&error))?;
        let name_and_type =
            |column: &sqlx::postgres::PgColumn| (column.name().to_owned(), column.type_info().name().to_lowercase());
        Ok(statement.columns().iter().map(name_and_type).collect())
    }

    async fn problems(&self, entity: Entity) -> Result<Vec<Problem>, Error> {
        let columns = self.columns(entity).await?;
        let mut problems = Vec::new();
        for wanted in entity.columns() {
            match columns.iter().filter(|(name, _)| name == wanted).count() {
                0 => problems.push(format!("it returns no column {wanted}")),
                1 => {}
                n => problems.push(format!("it returns {n} columns named {wanted}")),
            }
        }
        let id_type = columns.iter().find(|(name, _)| name == "id").map(|(_, of)| of.as_str());
        if let Some(of) = id_type.filter(|of| !matches!(*of, "int2" | "int4" | "int8" | "numeric")) {
            problems.push(format!("its column id is of type {of}, not a number: write CAST(… AS bigint) AS id"));
        }
        if problems.is_empty() {
            // Reading nothing with the very statement that will read everything shows missing grants as well.
            self.rows(entity, &[]).await?;
        }
        Ok(problems.into_iter().map(|what| Problem { entity, what }).collect())
    }
}

impl Reader for PostgresReader {
    fn scan(&self, after: Option<i64>, limit: u32) -> BoxFuture<'_, Result<Vec<i64>, Error>> {
        async move {
            let query = match after {
                None => sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.scan_from_the_start))),
                Some(after) => sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.scan))).bind(after),
            };
            let query = query.bind(i64::from(limit));
            let rows = self.fetch(Entity::Certificates, "reading certificate ids", query).await?;
            Ok(rows.iter().filter_map(id).collect())
        }
        .boxed()
    }

    fn scan_ecu_numbers<'a>(
        &'a self,
        after: Option<i64>,
        limit: u32,
        ecu_numbers: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<(i64, LegacyText)>, Error>> {
        let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.scan_ecu_numbers)));
        let query = query.bind(after).bind(i64::from(limit)).bind(ecu_numbers);
        self.ids_with_ecu_numbers("reading certificate ids by ECU number", query).boxed()
    }

    fn present<'a>(&'a self, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<(i64, LegacyText)>, Error>> {
        let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.present))).bind(ids);
        self.ids_with_ecu_numbers("looking certificate ids up", query).boxed()
    }

    fn rows<'a>(&'a self, entity: Entity, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>> {
        async move {
            let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.of(entity).by_id))).bind(ids);
            let rows = self.fetch(entity, &format!("reading {entity}"), query).await?;
            Ok(rows.iter().map(|row| (0..row.len()).map(|at| text(row, at)).collect()).collect())
        }
        .boxed()
    }

    fn count<'a>(&'a self, ecu_numbers: Option<&'a [String]>) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        async move {
            let failure = self.failure(Entity::Certificates, "counting certificates");
            match timeout(self.acquire_timeout + self.answer_timeout, self.count_within(ecu_numbers)).await {
                Ok(counted) => counted.map_err(|error| failure.of(&error)),
                Err(_) => Err(failure.timeout(self.acquire_timeout + self.answer_timeout)),
            }
        }
        .boxed()
    }

    fn check(&self, entity: Entity) -> BoxFuture<'_, Result<Vec<Problem>, Error>> {
        async move {
            match self.problems(entity).await {
                Err(Error::Query { reason, .. }) => Ok(vec![Problem { entity, what: reason }]),
                problems => problems,
            }
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.pool.close().boxed()
    }
}

/// What every session is told: only read, give up in time, and write dates in one way whatever the server's settings. A
/// database without an encoding is read byte by byte, since it would rather fail than send what is no text.
fn session(statement_timeout: Duration) -> String {
    let milliseconds = statement_timeout.as_millis();
    format!(
        "SET default_transaction_read_only = on;
         SET statement_timeout = {milliseconds};
         SET datestyle = 'ISO, YMD';
         SET timezone = 'UTC';
         SELECT set_config('client_encoding', 'SQL_ASCII', false) WHERE current_setting('server_encoding') = 'SQL_ASCII'"
    )
}

async fn first_connection(
    options: &PgConnectOptions,
    session: &str,
    location: &str,
    connect_timeout: Duration,
) -> Result<(), Error> {
    let failure = Failure {
        location: location.to_owned(),
        entity: Entity::Certificates,
        action: "connecting".to_owned(),
        acquire_timeout: connect_timeout,
        statement_timeout: connect_timeout,
    };
    let attempt = async {
        let mut connection = PgConnection::connect_with(options).await?;
        connection.execute(AssertSqlSafe(session.to_owned())).await?;
        connection.close().await
    };
    match timeout(connect_timeout, attempt).await {
        Ok(connected) => connected.map_err(|error| failure.of(&error)),
        Err(_) => Err(failure.timeout(connect_timeout)),
    }
}

fn id(row: &PgRow) -> Option<i64> {
    match text(row, 0) {
        LegacyText::Text(id) => integer(&id),
        LegacyText::Null | LegacyText::Undecodable => None,
    }
}

/// The value at `at`, which the statement has cast to text. A database without an encoding (`SQL_ASCII`) may hold bytes
/// that are no text.
fn text(row: &PgRow, at: usize) -> LegacyText {
    let Ok(value) = row.try_get_raw(at) else { return LegacyText::Null };
    if value.is_null() {
        return LegacyText::Null;
    }
    value.as_str().map_or(LegacyText::Undecodable, |text| LegacyText::Text(text.to_owned()))
}
