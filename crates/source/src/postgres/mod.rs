//! The reader for PostgreSQL.

mod failure;
mod location;
mod statements;

use std::{sync::Arc, time::Duration};

use certferry_certificate::LegacyText;
use certferry_connection::Connections;
use futures::{FutureExt, future::BoxFuture};
use sqlx::{
    AssertSqlSafe, Column as _, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::query::Queries;
use crate::reader::{About, Column, ColumnKind, Dialect, Reader, RepeatedKey};
use crate::text::{id, id_and_size, text};
use crate::{Entity, Error, Settings};
use statements::{MARKED_ID, Statements};

/// Counting is only for showing progress: it is given up early.
const COUNT_TIMEOUT: Duration = Duration::from_secs(5);

/// How much longer than the server's own statement timeout to wait for its answer, in case the connection is dead.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct PostgresReader {
    connections: Connections,
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
        let options = location::options(url)?;
        let location = location::without_password(&options);
        let failure = Failure {
            location: location.clone(),
            entity: Entity::Certificates,
            action: "connecting".to_owned(),
            acquire_timeout: settings.connect_timeout,
            statement_timeout: settings.connect_timeout,
            meaning: failure::meaning,
        };
        let settings_of_connections = certferry_connection::Settings {
            options,
            application_name: "certferry source",
            // To give up in time, and to write dates in one way whatever the server's settings.
            parameters: vec![
                ("statement_timeout", settings.statement_timeout.as_millis().to_string()),
                ("DateStyle", "ISO,YMD".to_owned()),
                ("TimeZone", "UTC".to_owned()),
                ("extra_float_digits", "2".to_owned()),
            ],
            read_only: true,
            preparation: Some(take_bytes_as_they_are),
            max_connections: settings.max_connections,
            connect_timeout: settings.acquire_timeout,
        };
        let opening = timeout(settings.connect_timeout, Connections::open(&settings_of_connections));
        let connections = match opening.await {
            Ok(opened) => opened.map_err(|error| failure.of(&error))?,
            Err(_) => return Err(failure.timeout(settings.connect_timeout)),
        };
        Ok(Self {
            connections,
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
            meaning: failure::meaning,
        }
    }

    async fn fetch(
        &self,
        entity: Entity,
        action: &str,
        query: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, Error> {
        match self.fetch_decodable(entity, action, query).await? {
            Ok(rows) => Ok(rows),
            Err(undecodable) => Err(self.failure(entity, action).of(&undecodable.0)),
        }
    }

    /// Like [`Self::fetch`], but it is no error of the query that a value could not be sent.
    async fn fetch_decodable(
        &self,
        entity: Entity,
        action: &str,
        query: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<Result<Vec<PgRow>, Undecodable>, Error> {
        let failure = self.failure(entity, action);
        let mut session = self.connections.session().await.map_err(|error| failure.of(&error))?;
        let query = query.persistent(!self.connections.are_pooled());
        let Ok(rows) = timeout(self.answer_timeout, query.fetch_all(&mut *session)).await else {
            // An answer may still be under way on it, or nothing at all: it is of no more use.
            session.discard();
            return Err(failure.timeout(self.answer_timeout));
        };
        match rows {
            Ok(rows) => Ok(Ok(rows)),
            Err(error) if failure::is_undecodable(&error) => Ok(Err(Undecodable(error))),
            Err(error) => Err(failure.of(&error)),
        }
    }

    /// The row with this id, of which some value cannot be sent: each value on its own. Where several rows have the id,
    /// as many come back, all with the values of one, since nothing but their number can be used.
    async fn row_value_by_value(&self, entity: Entity, id: i64, action: &str) -> Result<Vec<Vec<LegacyText>>, Error> {
        let (mut row, mut count) = (Vec::new(), 1);
        for statement in &self.statements.of(entity).each_by_id {
            let query = sqlx::query(AssertSqlSafe(Arc::clone(statement))).bind(vec![id]);
            row.push(match self.fetch_decodable(entity, action, query).await? {
                Err(_) => LegacyText::Undecodable,
                Ok(rows) => match rows.first() {
                    Some(row) => {
                        count = count.max(rows.len());
                        value(row, 0)
                    }
                    None => return Ok(Vec::new()),
                },
            });
        }
        Ok(vec![row; count])
    }

    async fn explained(&self, entity: Entity) -> Result<Vec<String>, sqlx::Error> {
        let mut transaction = self.connections.begin().await?;
        // On a small table the server would rather read everything, whatever index there is.
        transaction.execute("SET LOCAL enable_seqscan = off").await?;
        let explain = AssertSqlSafe(Arc::clone(&self.statements.of(entity).explain));
        let lines = sqlx::query_scalar(explain).fetch_all(&mut *transaction).await?;
        transaction.rollback().await?;
        Ok(lines)
    }

    async fn count_within(&self, ecu_numbers: Option<&[String]>) -> Result<Option<u64>, sqlx::Error> {
        let mut transaction = self.connections.begin().await?;
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
}

/// The server could not send a value: its bytes are no characters of its encoding, or have none in UTF-8.
#[derive(Debug)]
struct Undecodable(sqlx::Error);

impl Reader for PostgresReader {
    fn scan(&self, after: Option<i64>, limit: u32) -> BoxFuture<'_, Result<Vec<i64>, Error>> {
        async move {
            let query = match after {
                None => sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.scan_from_the_start))),
                Some(after) => sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.scan))).bind(after),
            };
            let query = query.bind(i64::from(limit));
            let rows = self.fetch(Entity::Certificates, "reading certificate ids", query).await?;
            Ok(rows.iter().filter_map(|row| id(&value(row, 0))).collect())
        }
        .boxed()
    }

    fn scan_ecu_numbers<'a>(
        &'a self,
        after: Option<i64>,
        limit: u32,
        ecu_numbers: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<(i64, LegacyText)>, Error>> {
        async move {
            let action = "reading certificate ids by ECU number";
            let query = |sql: &Arc<str>| {
                sqlx::query(AssertSqlSafe(Arc::clone(sql))).bind(after).bind(i64::from(limit)).bind(ecu_numbers)
            };
            let with_numbers = query(&self.statements.scan_ecu_numbers);
            if let Ok(rows) = self.fetch_decodable(Entity::Certificates, action, with_numbers).await? {
                return Ok(ids_with_ecu_numbers(&rows));
            }
            let without = query(&self.statements.scan_ecu_numbers_ids);
            let rows = self.fetch(Entity::Certificates, action, without).await?;
            let ids: Vec<i64> = rows.iter().filter_map(|row| id(&value(row, 0))).collect();
            let mut found = self.present(&ids).await?;
            found.sort_by_key(|(id, _)| *id);
            Ok(found)
        }
        .boxed()
    }

    fn present<'a>(&'a self, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<(i64, LegacyText)>, Error>> {
        async move {
            let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.present))).bind(ids);
            match self.fetch_decodable(Entity::Certificates, "looking certificate ids up", query).await? {
                Ok(rows) => Ok(ids_with_ecu_numbers(&rows)),
                Err(_) if ids.len() > 1 => {
                    let (left, right) = ids.split_at(ids.len() / 2);
                    let mut found = self.present(left).await?;
                    found.extend(self.present(right).await?);
                    Ok(found)
                }
                Err(_) => Ok(ids.iter().map(|id| (*id, LegacyText::Undecodable)).collect()),
            }
        }
        .boxed()
    }

    fn rows<'a>(&'a self, entity: Entity, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>> {
        async move {
            let action = format!("reading {entity}");
            let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.of(entity).by_id))).bind(ids);
            match (self.fetch_decodable(entity, &action, query).await?, ids) {
                (Ok(rows), _) => Ok(rows.iter().map(|row| (0..row.len()).map(|at| value(row, at)).collect()).collect()),
                // One bad value must not hide its neighbours: the batch is halved until its row stands alone.
                (Err(_), [id]) => self.row_value_by_value(entity, *id, &action).await,
                (Err(_), ids) => {
                    let (left, right) = ids.split_at(ids.len() / 2);
                    let mut rows = self.rows(entity, left).await?;
                    rows.extend(self.rows(entity, right).await?);
                    Ok(rows)
                }
            }
        }
        .boxed()
    }

    fn large_certificates<'a>(&'a self, ids: &'a [i64], small: u64) -> BoxFuture<'a, Result<Vec<(i64, u64)>, Error>> {
        async move {
            let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.large_certificates))).bind(ids);
            let query = query.bind(i64::try_from(small).unwrap_or(i64::MAX));
            let rows = self.fetch(Entity::Certificates, "measuring certificates", query).await?;
            Ok(rows.iter().filter_map(|row| id_and_size(&value(row, 0), &value(row, 1))).collect())
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

    fn about(&self) -> BoxFuture<'_, Result<About, Error>> {
        async move {
            let query = sqlx::query("SELECT current_setting('server_version')");
            let rows = self.fetch(Entity::Certificates, "asking for the version", query).await?;
            let version = match rows.first().map(|row| value(row, 0)) {
                Some(LegacyText::Text(version)) => version,
                _ => "of no version".to_owned(),
            };
            let failure = self.failure(Entity::Certificates, "asking how the connection is secured");
            let security = timeout(self.acquire_timeout + self.answer_timeout, self.connections.security())
                .await
                .map_err(|_| failure.timeout(self.answer_timeout))?
                .map_err(|error| failure.of(&error))?;
            Ok(About { product: "PostgreSQL", version, location: self.location.clone(), security: Some(security) })
        }
        .boxed()
    }

    fn columns(&self, entity: Entity) -> BoxFuture<'_, Result<Vec<Column>, Error>> {
        async move {
            let failure = self.failure(entity, &format!("the query for {entity}"));
            let mut session = self.connections.session().await.map_err(|error| failure.of(&error))?;
            let sql = AssertSqlSafe(Arc::clone(&self.statements.of(entity).whole)).into_sql_str();
            let statement = timeout(self.answer_timeout, (&mut *session).prepare(sql))
                .await
                .map_err(|_| failure.timeout(self.answer_timeout))?
                .map_err(|error| failure.of(&error))?;
            let column = |column: &sqlx::postgres::PgColumn| {
                let type_name = column.type_info().name().to_lowercase();
                Column { name: column.name().to_owned(), kind: kind(&type_name), type_name }
            };
            Ok(statement.columns().iter().map(column).collect())
        }
        .boxed()
    }

    fn is_key_indexed(&self, entity: Entity) -> BoxFuture<'_, Result<bool, Error>> {
        async move {
            let failure = self.failure(entity, &format!("explaining the query for {entity}"));
            let lines = timeout(self.acquire_timeout + self.answer_timeout, self.explained(entity))
                .await
                .map_err(|_| failure.timeout(self.answer_timeout))?
                .map_err(|error| failure.of(&error))?;
            let marked = MARKED_ID.to_string();
            // What a foreign server does with the condition is not for this one to say.
            let finds = |line: &String| line.contains("Index Cond:") && line.contains(&marked);
            Ok(lines.iter().any(finds) || lines.iter().any(|line| line.contains("Foreign Scan")))
        }
        .boxed()
    }

    fn repeated_keys(&self, entity: Entity) -> BoxFuture<'_, Result<Option<Vec<RepeatedKey>>, Error>> {
        async move {
            let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.of(entity).repeated)));
            match self.fetch(entity, &format!("looking for repeated ids of {entity}"), query).await {
                Err(Error::Timeout { .. }) => Ok(None),
                rows => Ok(Some(rows?.iter().map(repeated_key).collect())),
            }
        }
        .boxed()
    }

    fn outermost_keys(&self, entity: Entity) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        async move {
            let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.statements.of(entity).outermost)));
            let rows = self.fetch(entity, &format!("looking for the outermost ids of {entity}"), query).await?;
            let keys = rows.iter().flat_map(|row| [value(row, 0), value(row, 1)]);
            Ok(keys.filter_map(|key| if let LegacyText::Text(key) = key { Some(key) } else { None }).collect())
        }
        .boxed()
    }

    fn dialect(&self) -> Dialect {
        Dialect { integer: "bigint", instant_of_epoch: "to_timestamp(…)" }
    }

    fn refresh(&self) {
        self.connections.refresh();
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move { self.connections.close().await }.boxed()
    }
}

/// A database without an encoding is read byte by byte, since it would rather fail than send what is no text.
fn take_bytes_as_they_are(for_this_transaction: bool) -> String {
    format!(
        "SELECT set_config('client_encoding', 'SQL_ASCII', {for_this_transaction}) \
         WHERE current_setting('server_encoding') = 'SQL_ASCII'"
    )
}

fn ids_with_ecu_numbers(rows: &[PgRow]) -> Vec<(i64, LegacyText)> {
    rows.iter().filter_map(|row| Some((id(&value(row, 0))?, value(row, 1)))).collect()
}

fn repeated_key(row: &PgRow) -> RepeatedKey {
    let id = if let LegacyText::Text(id) = value(row, 0) { Some(id) } else { None };
    RepeatedKey { id, rows: row.try_get(1).unwrap_or_default() }
}

/// The value at `at`, which the statement has cast to text. A database without an encoding (`SQL_ASCII`) may hold bytes
/// that are no text.
fn value(row: &PgRow, at: usize) -> LegacyText {
    match row.try_get_raw(at) {
        Ok(value) if !value.is_null() => text(value.as_bytes().ok()),
        _ => LegacyText::Null,
    }
}

fn kind(type_name: &str) -> ColumnKind {
    match type_name {
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "oid" => ColumnKind::Number,
        "date" | "timestamp" | "timestamptz" | "time" | "timetz" => ColumnKind::Moment,
        "text" | "varchar" | "char" | "\"char\"" | "bpchar" | "name" | "citext" => ColumnKind::Text,
        _ => ColumnKind::Any,
    }
}
