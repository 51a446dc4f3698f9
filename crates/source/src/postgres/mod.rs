//! The reader for PostgreSQL.

mod failure;
mod key;
mod location;
mod statements;

use std::{sync::Arc, time::Duration};

use certferry_certificate::LegacyText;
use certferry_connection::{Connections, Usage};
use futures::{FutureExt, TryStreamExt, future::BoxFuture};
use sqlx::{
    AssertSqlSafe, Column as _, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef,
    postgres::{PgArguments, PgRow},
    query::Query,
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
use statements::{MARKED_ID, Statements};

#[derive(Debug)]
pub(crate) struct PostgresReader {
    connections: Connections,
    location: String,
    queries: Queries,
    /// The statements of each entity, made when its columns are first asked for.
    certificates: OnceCell<Statements>,
    customers: OnceCell<Statements>,
    technicians: OnceCell<Statements>,
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
            // To give up in time, and to take dates without a zone for what they are.
            parameters: vec![
                ("statement_timeout", settings.statement_timeout.as_millis().to_string()),
                ("TimeZone", settings.timezone.name().to_owned()),
                ("extra_float_digits", "2".to_owned()),
            ],
            read_only: true,
            preparation: Some(preparation),
            max_connections: settings.max_connections,
            connect_timeout: settings.acquire_timeout,
        };
        let opening = timeout(settings.connect_timeout, Connections::open(&settings_of_connections));
        let connections = match opening.await {
            Ok(Err(error)) if failure::is_unknown_time_zone(&error) => {
                let (zone, reason) = (settings.timezone.name(), error.to_string());
                return Err(Error::TimeZone { location, zone, reason });
            }
            Ok(opened) => opened.map_err(|error| failure.of(&error))?,
            Err(_) => return Err(failure.timeout(settings.connect_timeout)),
        };
        Ok(Self {
            connections,
            location,
            queries,
            certificates: OnceCell::new(),
            customers: OnceCell::new(),
            technicians: OnceCell::new(),
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
        let mut session = self.connections.session().await.map_err(|error| failure.of(&error))?;
        let sql = AssertSqlSafe(statements::whole(entity, &self.queries)).into_sql_str();
        let Ok(statement) = timeout(self.answer_timeout, (&mut *session).prepare(sql)).await else {
            session.discard();
            return Err(failure.timeout(self.answer_timeout));
        };
        let statement = statement.map_err(|error| failure.of(&error))?;
        let column = |column: &sqlx::postgres::PgColumn| {
            let type_name = column.type_info().name().to_lowercase();
            Column { name: column.name().to_owned(), kind: kind(&type_name), type_name }
        };
        Ok(statement.columns().iter().map(column).collect())
    }

    /// The row with this id, of which some value cannot be sent: each value on its own. Where several rows have the id,
    /// as many come back, all with the values of one, since nothing but their number can be used.
    async fn row_value_by_value(&self, entity: Entity, id: i64, action: &str) -> Result<Vec<Vec<LegacyText>>, Error> {
        let (mut row, mut count) = (Vec::new(), 1);
        for statement in &self.statements(entity).await?.each_by_id {
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

    async fn explained(&self, explain: Arc<str>) -> Result<Vec<String>, sqlx::Error> {
        let mut transaction = self.connections.begin().await?;
        // On a small table the server would rather read everything, whatever index there is.
        transaction.execute("SET LOCAL enable_seqscan = off").await?;
        let lines = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *transaction).await?;
        transaction.rollback().await?;
        Ok(lines)
    }

    /// Runs a statement within a time limit of its own and gives each row to `each`.
    async fn each_within(
        &self,
        question: Question<'_>,
        limit: Duration,
        each: &mut (dyn FnMut(&[LegacyText]) + Send),
    ) -> Result<(), sqlx::Error> {
        let mut transaction = self.connections.begin().await?;
        let limit = format!("SET LOCAL statement_timeout = {}", limit.as_millis());
        transaction.execute(AssertSqlSafe(limit)).await?;
        let mut rows = query(question).fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await? {
            each(&texts(&row));
        }
        drop(rows);
        transaction.rollback().await
    }
}

/// The question as a statement that is not kept: each has numbers of its own.
fn query(question: Question<'_>) -> Query<'_, sqlx::Postgres, PgArguments> {
    let query = sqlx::query(AssertSqlSafe(question.sql)).persistent(false);
    match question.ecu_numbers {
        None => query,
        Some(ecu_numbers) => query.bind(ecu_numbers),
    }
}

/// The server could not send a value: its bytes are no characters of its encoding, or have none in UTF-8.
#[derive(Debug)]
struct Undecodable(sqlx::Error);

impl Reader for PostgresReader {
    fn ids(&self, entity: Entity) -> BoxFuture<'_, Result<&Ids, Error>> {
        async move { Ok(&self.statements(entity).await?.ids) }.boxed()
    }

    fn ask<'a>(
        &'a self,
        entity: Entity,
        action: &'a str,
        question: Question<'a>,
    ) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>> {
        async move {
            let rows = self.fetch(entity, action, query(question)).await?;
            Ok(rows.iter().map(texts).collect())
        }
        .boxed()
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
            match timeout(self.acquire_timeout + limit + ANSWER_GRACE, self.each_within(question, limit, each)).await {
                Ok(done) => done.map_err(|error| failure.of(&error)),
                Err(_) => Err(failure.timeout(limit)),
            }
        }
        .boxed()
    }

    fn present<'a>(&'a self, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<(i64, LegacyText)>, Error>> {
        async move {
            let present = Arc::clone(&self.statements(Entity::Certificates).await?.present);
            let query = sqlx::query(AssertSqlSafe(present)).bind(ids);
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

    fn identities<'a>(&'a self, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>> {
        async move {
            let identities = Arc::clone(&self.statements(Entity::Certificates).await?.identities);
            let query = sqlx::query(AssertSqlSafe(identities)).bind(ids);
            match self.fetch_decodable(Entity::Certificates, "reading what identifies certificates", query).await? {
                Ok(rows) => Ok(rows.iter().map(texts).collect()),
                Err(_) if ids.len() > 1 => {
                    let (left, right) = ids.split_at(ids.len() / 2);
                    let mut found = self.identities(left).await?;
                    found.extend(self.identities(right).await?);
                    Ok(found)
                }
                Err(_) => Ok(ids
                    .iter()
                    .map(|id| vec![LegacyText::Text(id.to_string()), LegacyText::Undecodable, LegacyText::Undecodable])
                    .collect()),
            }
        }
        .boxed()
    }

    fn rows<'a>(&'a self, entity: Entity, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>> {
        async move {
            let action = format!("reading {entity}");
            let by_id = Arc::clone(&self.statements(entity).await?.by_id);
            let query = sqlx::query(AssertSqlSafe(by_id)).bind(ids);
            match (self.fetch_decodable(entity, &action, query).await?, ids) {
                (Ok(rows), _) => Ok(rows.iter().map(texts).collect()),
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
            let statement = Arc::clone(&self.statements(Entity::Certificates).await?.large);
            let query = sqlx::query(AssertSqlSafe(statement)).bind(ids);
            let query = query.bind(i64::try_from(small).unwrap_or(i64::MAX));
            let rows = self.fetch(Entity::Certificates, "measuring certificates", query).await?;
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
            match timeout(self.acquire_timeout + self.answer_timeout, self.each_within(question, limit, &mut each))
                .await
            {
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
            let query = sqlx::query("SELECT current_setting('server_version'), current_setting('TimeZone')");
            let rows = self.fetch(Entity::Certificates, "asking for the version", query).await?;
            let said = |at| rows.first().and_then(|row| value(row, at).as_str().map(str::to_owned));
            let version = said(0).unwrap_or_else(|| "of no version".to_owned());
            let timezone = said(1);
            let failure = self.failure(Entity::Certificates, "asking how the connection is secured");
            let security = timeout(self.acquire_timeout + self.answer_timeout, self.connections.security())
                .await
                .map_err(|_| failure.timeout(self.answer_timeout))?
                .map_err(|error| failure.of(&error))?;
            let location = self.location.clone();
            Ok(About { product: "PostgreSQL", version, location, security: Some(security), timezone })
        }
        .boxed()
    }

    fn identity(&self) -> BoxFuture<'_, Result<Identity, Error>> {
        async move {
            let name = sqlx::query("SELECT current_database()::text");
            let name = self.fetch(Entity::Certificates, "asking for the database's name", name).await?;
            let server = sqlx::query(
                "SELECT control.system_identifier || '/' || oid FROM pg_control_system() AS control, pg_database \
                 WHERE datname = current_database()",
            );
            // Not everybody may ask, and not everything that speaks PostgreSQL's protocol knows it.
            let server = match self.fetch(Entity::Certificates, "asking for the server's identifier", server).await {
                Err(Error::Query { .. }) => Vec::new(),
                rows => rows?,
            };
            let first = |rows: &[PgRow]| match rows.first().map(|row| value(row, 0)) {
                Some(LegacyText::Text(text)) => Some(text),
                _ => None,
            };
            Ok(Identity { database: first(&name), server: first(&server) })
        }
        .boxed()
    }

    fn columns(&self, entity: Entity) -> BoxFuture<'_, Result<Vec<Column>, Error>> {
        async move { self.described(entity, &format!("the query for {entity}")).await }.boxed()
    }

    fn is_key_indexed(&self, entity: Entity) -> BoxFuture<'_, Result<bool, Error>> {
        async move {
            let failure = self.failure(entity, &format!("explaining the query for {entity}"));
            let explain = Arc::clone(&self.statements(entity).await?.explain);
            let lines = timeout(self.acquire_timeout + self.answer_timeout, self.explained(explain))
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

    fn dialect(&self) -> Dialect {
        Dialect { instant_of_epoch: "to_timestamp(…)" }
    }

    fn refresh(&self) {
        self.connections.refresh();
    }

    fn usage(&self) -> Usage {
        self.connections.usage()
    }

    fn system(&self) -> &'static str {
        "postgresql"
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move { self.connections.close().await }.boxed()
    }
}

/// What every session begins with. Dates are written in one way, and read in the order of day and month that the
/// database or its user is set to, instead of the driver's. A database without an encoding is read byte by byte, since it
/// would rather fail than send what is no text.
fn preparation(for_this_transaction: bool) -> String {
    format!(
        "SELECT set_config('DateStyle', substr(setting, length('datestyle=') + 1), {for_this_transaction}) FROM ( \
             SELECT unnest(setconfig) AS setting, setdatabase, setrole FROM pg_db_role_setting \
             WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) \
             AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user)) \
         ) AS own WHERE setting ILIKE 'datestyle=%' ORDER BY setrole = 0, setdatabase = 0 LIMIT 1; \
         SELECT set_config('DateStyle', 'ISO', {for_this_transaction}); \
         SELECT set_config('client_encoding', 'SQL_ASCII', {for_this_transaction}) \
         WHERE current_setting('server_encoding') = 'SQL_ASCII'"
    )
}

fn ids_with_ecu_numbers(rows: &[PgRow]) -> Vec<(i64, LegacyText)> {
    rows.iter().filter_map(|row| Some((id(&value(row, 0))?, value(row, 1)))).collect()
}

/// All values of a row.
fn texts(row: &PgRow) -> Vec<LegacyText> {
    (0..row.len()).map(|at| value(row, at)).collect()
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
