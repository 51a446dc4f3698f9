use std::fmt;

use certferry_certificate::LegacyText;
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

    /// How many certificates there are; with `ecu_numbers` those that [`Reader::scan_ecu_numbers`] would find. `None`
    /// when counting takes too long.
    fn count<'a>(&'a self, ecu_numbers: Option<&'a [String]>) -> BoxFuture<'a, Result<Option<u64>, Error>>;

    /// What is wrong with the query of `entity`.
    fn check(&self, entity: Entity) -> BoxFuture<'_, Result<Vec<Problem>, Error>>;

    /// Closes every connection.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Something of a source query that does not fit the legacy database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whose query.
    pub entity: Entity,
    /// What is wrong: a table that is missing, a column it does not return.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.entity.setting(), self.what)
    }
}
