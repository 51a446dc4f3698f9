use std::fmt;
use std::time::Duration;

use certferry_certificate::LegacyText;
use certferry_connection::{Security, Usage};
use futures::future::BoxFuture;

use crate::key::{Ids, Question};
use crate::{Entity, Error};

/// The longest that a statement about a whole table may take, where `source.statement_timeout` is not longer.
pub(crate) const SURVEY_TIMEOUT: Duration = Duration::from_hours(1);

/// Counting for a progress bar is given up early.
pub(crate) const COUNT_TIMEOUT: Duration = Duration::from_secs(5);

/// How much longer than a statement's own time limit to wait for its answer, in case the connection is dead.
pub(crate) const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// What one engine has to do. [`crate::Source`] does the rest, the same for all of them.
pub(crate) trait Reader: Send + Sync + fmt::Debug {
    /// The statements about the ids of `entity`.
    fn ids(&self, entity: Entity) -> BoxFuture<'_, Result<&Ids, Error>>;

    /// The answer to `question`, row by row, all values as text.
    fn ask<'a>(
        &'a self,
        entity: Entity,
        action: &'a str,
        question: Question<'a>,
    ) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>>;

    /// Like [`Reader::ask`] for a question about the whole table, which may take up to [`SURVEY_TIMEOUT`] and have any
    /// number of rows in its answer: each is given to `each` as it comes, and none is kept.
    fn survey<'a>(
        &'a self,
        entity: Entity,
        action: &'a str,
        question: Question<'a>,
        each: &'a mut (dyn FnMut(&[LegacyText]) + Send),
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Those of `ids` that are there, with their ECU numbers, in any order; one of them for each row that has it.
    fn present<'a>(&'a self, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<(i64, LegacyText)>, Error>>;

    /// What identifies the certificates with these ids, and nothing else of them: id, number and ECU number, in any order.
    fn identities<'a>(&'a self, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>>;

    /// The rows with these ids: a value for each of [`Entity::columns`], in any order.
    fn rows<'a>(&'a self, entity: Entity, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>>;

    /// Those of the certificates with these ids whose values have more than `small` bytes together, and how many.
    fn large_certificates<'a>(&'a self, ids: &'a [i64], small: u64) -> BoxFuture<'a, Result<Vec<(i64, u64)>, Error>>;

    /// About how many certificates there are; with `ecu_numbers` those whose ECU number contains one. `None` when
    /// counting takes too long.
    fn count<'a>(&'a self, ecu_numbers: Option<&'a [String]>) -> BoxFuture<'a, Result<Option<u64>, Error>>;

    /// Where the source is, without a password.
    fn location(&self) -> &str;

    /// Where the source is, and what it says it is.
    fn about(&self) -> BoxFuture<'_, Result<About, Error>>;

    /// Which database it is, whatever way leads to it.
    fn identity(&self) -> BoxFuture<'_, Result<Identity, Error>>;

    /// The columns that the query of `entity` returns, in its order.
    fn columns(&self, entity: Entity) -> BoxFuture<'_, Result<Vec<Column>, Error>>;

    /// Whether a row is found by its id without reading the others, as the database itself explains.
    fn is_key_indexed(&self, entity: Entity) -> BoxFuture<'_, Result<bool, Error>>;

    /// How this engine's SQL says what advice about a query may need.
    fn dialect(&self) -> Dialect;

    /// Leaves idle connections behind: they may be dead.
    fn refresh(&self);

    /// How the pool is used now.
    fn usage(&self) -> Usage;

    /// The engine, as OpenTelemetry's conventions for databases name it.
    fn system(&self) -> &'static str;

    /// Closes every connection.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Words of an engine's SQL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// Epoch seconds as an instant.
    pub(crate) instant_of_epoch: &'static str,
}

/// Which database the source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The product: `PostgreSQL`, `MariaDB`, `MySQL` or `SQLite`.
    pub product: &'static str,
    /// Its version, in its own words.
    pub version: String,
    /// Where it is, without a password.
    pub location: String,
    /// How the connections are secured; `None` for a file.
    pub security: Option<Security>,
    /// The time zone of the sessions, in the database's words; `None` where it has none.
    pub timezone: Option<String>,
}

/// What a database says of itself that does not depend on how it is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its name, where it has one.
    pub database: Option<String>,
    /// What no other server has, nor another database of the same name on this one, where the server says so. A replica
    /// may have another one.
    pub server: Option<String>,
}

/// A column of a source query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The database's name of its type.
    pub type_name: String,
    /// What values it has, as far as that can be said beforehand.
    pub(crate) kind: ColumnKind,
}

/// What values a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// Whole numbers, or decimal ones.
    Number,
    /// Dates or times.
    Moment,
    /// Text.
    Text,
    /// Anything, as in SQLite, or nothing that is known.
    Any,
}
