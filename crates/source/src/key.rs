//! Ids in SQL: how an engine tells which rows have a whole number within bigint as their id, and the statements that
//! page through those rows, count them, and find the others.

use crate::text::list;
use crate::{Entity, query::Queries};

/// How the id of a query is read, which depends on the engine and on the type of its column.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The id as an integer of the engine, NULL where it is no whole number within bigint.
    pub(crate) value: String,
    /// What pages are sorted by: the column itself where the database sorts it by number, so that an index leads.
    pub(crate) order: String,
    /// What holds for a row whose `order` is a whole number within bigint; `None` where that is every one.
    pub(crate) is_whole: Option<String>,
    pub(crate) lookup: Lookup,
}

/// How rows are found by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// The column is compared with numbers, exactly.
    Number,
    /// The same, but the comparison is inexact (floating point), so that the value is compared too.
    InexactNumber,
    /// The column is text and is compared with digits; collations take more for the same, so the value is compared too.
    Text,
    /// The column may hold either, as in SQLite.
    Either,
    /// Only the value can be compared, which no index helps.
    Value,
}

impl Key {
    /// A column that holds nothing but whole numbers within bigint and NULL.
    pub(crate) fn integer(column: &str) -> Self {
        Self { value: column.to_owned(), order: column.to_owned(), is_whole: None, lookup: Lookup::Number }
    }

    /// A column of numbers, of which those that `is_whole` says are ids once they are `cast`.
    pub(crate) fn number(column: &str, is_whole: String, cast: &str, lookup: Lookup) -> Self {
        let value = format!("CASE WHEN {is_whole} THEN {cast} END");
        Self { value, order: column.to_owned(), is_whole: Some(is_whole), lookup }
    }

    /// A column that is not sorted by number: pages go by the `value` itself.
    pub(crate) fn computed(value: String, lookup: Lookup) -> Self {
        Self { order: value.clone(), value, is_whole: None, lookup }
    }

    /// The condition that finds these ids in `column`.
    pub(crate) fn among(&self, column: &str, ids: &[i64]) -> String {
        let numbers = list(ids);
        let digits = || {
            let quoted: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
            if quoted.is_empty() { "NULL".to_owned() } else { quoted.join(", ") }
        };
        let is_value = format!("{} IN ({numbers})", self.value);
        match self.lookup {
            Lookup::Number => format!("{column} IN ({numbers})"),
            Lookup::InexactNumber => format!("{column} IN ({numbers}) AND {is_value}"),
            Lookup::Text => format!("{column} IN ({}) AND {is_value}", digits()),
            Lookup::Either => format!("({column} IN ({numbers}) OR {column} IN ({})) AND {is_value}", digits()),
            Lookup::Value => is_value,
        }
    }
}

/// A statement, and the ECU numbers it asks for where the engine binds those.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) sql: String,
    pub(crate) ecu_numbers: Option<&'a [String]>,
}

/// The statements about the ids of one entity. Every value they return is text or a number that is written in digits.
#[derive(Debug)]
pub(crate) struct Ids {
    pub(crate) key: Key,
    from: String,
    /// The id as it stands in the source, as text.
    raw: String,
    ecu_number: String,
    dialect: IdsDialect,
}

/// What differs between engines in those statements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdsDialect {
    /// Makes a number text, where the engine does not send digits anyway.
    pub(crate) digits: fn(&str) -> String,
    /// The condition that an ECU number contains one of those given. More may be found: how much white space counts as
    /// surrounding is decided by whoever reads the answer.
    pub(crate) has_one_of: fn(&str, &[String]) -> String,
}

impl Ids {
    /// `raw` is the id and `ecu_number` the ECU number as text; entities without an ECU number have `NULL` there.
    pub(crate) fn new(
        entity: Entity,
        queries: &Queries,
        key: Key,
        raw: String,
        ecu_number: String,
        dialect: IdsDialect,
    ) -> Self {
        Self { key, from: queries.from(entity), raw, ecu_number, dialect }
    }

    /// The ids above `after` in ascending order, each once, with how many rows have it.
    pub(crate) fn page(&self, after: Option<i64>, limit: u32) -> Question<'static> {
        let (id, rows) = (self.digits(&self.key.value), self.digits("count(*)"));
        let Self { from, key: Key { order, .. }, .. } = self;
        let above = self.above(after);
        let sql = format!("SELECT {id}, {rows} {from} WHERE {above} GROUP BY {order} ORDER BY {order} LIMIT {limit}");
        Question { sql, ecu_numbers: None }
    }

    /// The id of each row above `after` whose ECU number contains one of these, in ascending order.
    pub(crate) fn page_of_ecu_numbers<'a>(
        &self,
        after: Option<i64>,
        limit: u32,
        ecu_numbers: &'a [String],
    ) -> Question<'a> {
        let (above, wanted, id) = (self.above(after), self.has_one_of(ecu_numbers), self.digits(&self.key.value));
        let Self { from, key: Key { order, .. }, .. } = self;
        let sql = format!("SELECT {id} {from} WHERE {above} AND {wanted} ORDER BY {order} LIMIT {limit}");
        Question { sql, ecu_numbers: Some(ecu_numbers) }
    }

    /// How many rows there are without an id or with one up to `last`; of all without it.
    pub(crate) fn rows_up_to(&self, last: Option<i64>) -> Question<'static> {
        let Self { from, key: Key { value, .. }, .. } = self;
        let up_to = last.map(|last| format!("WHERE ({value} <= {last} OR {value} IS NULL)")).unwrap_or_default();
        Question { sql: format!("SELECT {} {from} {up_to}", self.digits("count(*)")), ecu_numbers: None }
    }

    /// About how many rows there are.
    pub(crate) fn count<'a>(&self, ecu_numbers: Option<&'a [String]>) -> Question<'a> {
        let wanted = ecu_numbers.map(|wanted| format!("WHERE {}", self.has_one_of(wanted))).unwrap_or_default();
        Question { sql: format!("SELECT {} {} {wanted}", self.digits("count(*)"), self.from), ecu_numbers }
    }

    /// The rows without a whole number as their id: what stands there instead, and the ECU number.
    pub(crate) fn unreadable<'a>(&self, ecu_numbers: Option<&'a [String]>) -> Question<'a> {
        let Self { from, raw, ecu_number, key: Key { value, .. }, .. } = self;
        let wanted = ecu_numbers.map(|wanted| format!("AND {}", self.has_one_of(wanted))).unwrap_or_default();
        let ecu_number = if ecu_numbers.is_some() { ecu_number } else { "NULL" };
        let sql = format!("SELECT {raw}, {ecu_number} {from} WHERE {value} IS NULL {wanted}");
        Question { sql, ecu_numbers }
    }

    /// The ids that more than one row has, with how many.
    pub(crate) fn repeated(&self) -> Question<'static> {
        let (id, rows) = (self.digits(&self.key.value), self.digits("count(*)"));
        let Self { from, key: Key { order, .. }, .. } = self;
        let any = self.above(None);
        let sql = format!("SELECT {id}, {rows} {from} WHERE {any} GROUP BY {order} HAVING count(*) > 1");
        Question { sql, ecu_numbers: None }
    }

    fn above(&self, after: Option<i64>) -> String {
        let order = &self.key.order;
        let above = after.map_or_else(|| format!("{order} IS NOT NULL"), |after| format!("{order} > {after}"));
        match &self.key.is_whole {
            None => above,
            Some(is_whole) => format!("{above} AND {is_whole}"),
        }
    }

    fn digits(&self, number: &str) -> String {
        (self.dialect.digits)(number)
    }

    fn has_one_of(&self, ecu_numbers: &[String]) -> String {
        (self.dialect.has_one_of)(&self.ecu_number, ecu_numbers)
    }
}
