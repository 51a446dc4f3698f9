use std::fmt;

use certferry_certificate::LegacyText;
use certferry_connection::Security;
use futures::future::BoxFuture;

use crate::{Entity, Error};

/// What one engine has to do. [`crate::Source`] does the rest, the same for all of them.
pub(crate) trait Reader: Send + Sync + fmt::Debug {
    /// At most `limit` certificates with an id above `after`, by ascending id.
    fn scan(&self, after: Option<i64>, limit: u32) -> BoxFuture<'_, Result<Vec<i64>, Error>>;

    /// Like [`Reader::scan`], but only certificates whose ECU number contains one of `ecu_numbers`, with that number.
    ///
    /// More than what contains it may come back: which of them really match is decided by the caller.
    fn scan_ecu_numbers<'a>(
        &'a self,
        after: Option<i64>,
        limit: u32,
        ecu_numbers: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<(i64, LegacyText)>, Error>>;

    /// Those of `ids` that are there, with their ECU numbers, in any order.
    fn present<'a>(&'a self, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<(i64, LegacyText)>, Error>>;

    /// The rows with these ids: a value for each of [`Entity::columns`], in any order.
    fn rows<'a>(&'a self, entity: Entity, ids: &'a [i64]) -> BoxFuture<'a, Result<Vec<Vec<LegacyText>>, Error>>;

    /// Those of the certificates with these ids whose values have more than `small` bytes together, and how many.
    fn large_certificates<'a>(&'a self, ids: &'a [i64], small: u64) -> BoxFuture<'a, Result<Vec<(i64, u64)>, Error>>;

    /// How many certificates there are; with `ecu_numbers` those that [`Reader::scan_ecu_numbers`] would find. `None`
    /// when counting takes too long.
    fn count<'a>(&'a self, ecu_numbers: Option<&'a [String]>) -> BoxFuture<'a, Result<Option<u64>, Error>>;

    /// Where the source is, without a password, and what it says it is.
    fn about(&self) -> BoxFuture<'_, Result<About, Error>>;

    /// The columns that the query of `entity` returns, in its order.
    fn columns(&self, entity: Entity) -> BoxFuture<'_, Result<Vec<Column>, Error>>;

    /// Whether a row is found by its id without reading the others, as the database itself explains.
    fn is_key_indexed(&self, entity: Entity) -> BoxFuture<'_, Result<bool, Error>>;

    /// Some ids that more than one row has, with how many; a NULL, which is no id, counts from one row on. `None` when
    /// looking takes too long.
    fn repeated_keys(&self, entity: Entity) -> BoxFuture<'_, Result<Option<Vec<RepeatedKey>>, Error>>;

    /// The lowest and the highest id, as the database writes them; `None` in an empty table.
    fn outermost_keys(&self, entity: Entity) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// How this engine's SQL says what advice about a query may need.
    fn dialect(&self) -> Dialect;

    /// Leaves idle connections behind: they may be dead.
    fn refresh(&self);

    /// Closes every connection.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Words of an engine's SQL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// The type to cast to for a whole number of 64 bits.
    pub(crate) integer: &'static str,
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

/// An id that is no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RepeatedKey {
    /// The id; `None` is NULL.
    pub(crate) id: Option<String>,
    pub(crate) rows: i64,
}
