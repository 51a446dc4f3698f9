//! The user's queries, wrapped for pages, lookups by id and the ECU filter.
//!
//! MariaDB and MySQL merge a plain query in brackets into the statement around it, so the conditions reach the indexes
//! of the legacy tables. Everything comes back in the text protocol: numbers and dates as the server writes them, zero
//! dates included, and text as the bytes that it is.

use crate::Entity;
use crate::query::Queries;
use crate::reader::Column;
use crate::text::{hexadecimal, list};

/// The statements around one query, whose columns are known.
#[derive(Debug)]
pub(super) struct Statements {
    alias: &'static str,
    from: String,
    /// Each of [`Entity::columns`] as it is read.
    values: Vec<String>,
    ecu_number: String,
}

impl Statements {
    pub(super) fn new(entity: Entity, queries: &Queries, columns: &[Column]) -> Self {
        let alias = entity.alias();
        let value_of = |name: &str| {
            let type_name = columns.iter().find(|column| column.name == name).map(|column| column.type_name.as_str());
            value(&format!("{alias}.{name}"), type_name.unwrap_or("VARCHAR"))
        };
        Self {
            alias,
            from: queries.from(entity),
            values: entity.columns().iter().map(|name| value_of(name)).collect(),
            ecu_number: value_of("ecu_number"),
        }
    }

    pub(super) fn scan(&self, after: Option<i64>, limit: u32) -> String {
        let Self { alias, from, .. } = self;
        let id = &self.values[0];
        let after = after.map(|after| format!("WHERE {alias}.id > {after}")).unwrap_or_default();
        format!("SELECT {id} {from} {after} ORDER BY {alias}.id LIMIT {limit}")
    }

    pub(super) fn scan_ecu_numbers(&self, after: Option<i64>, limit: u32, ecu_numbers: &[String]) -> String {
        let Self { alias, from, ecu_number, .. } = self;
        let after = after.map(|after| format!("{alias}.id > {after} AND")).unwrap_or_default();
        let wanted = self.has_one_of(ecu_numbers);
        let id = &self.values[0];
        format!("SELECT {id}, {ecu_number} {from} WHERE {after} {wanted} ORDER BY {alias}.id LIMIT {limit}")
    }

    pub(super) fn present(&self, ids: &[i64]) -> String {
        let Self { alias, from, ecu_number, .. } = self;
        format!("SELECT {}, {ecu_number} {from} WHERE {alias}.id IN ({})", self.values[0], list(ids))
    }

    pub(super) fn by_id(&self, ids: &[i64]) -> String {
        let Self { alias, from, values, .. } = self;
        format!("SELECT {} {from} WHERE {alias}.id IN ({})", values.join(", "), list(ids))
    }

    pub(super) fn large_certificates(&self, ids: &[i64], small: u64) -> String {
        let Self { alias, from, .. } = self;
        let columns = &Entity::Certificates.columns()[1..];
        let sizes: Vec<String> =
            columns.iter().map(|column| format!("COALESCE(LENGTH({alias}.{column}), 0)")).collect();
        let size = sizes.join(" + ");
        format!("SELECT {}, {size} {from} WHERE {alias}.id IN ({}) AND {size} > {small}", self.values[0], list(ids))
    }

    pub(super) fn count(&self, ecu_numbers: Option<&[String]>) -> String {
        let wanted = ecu_numbers.map(|wanted| format!("WHERE {}", self.has_one_of(wanted))).unwrap_or_default();
        format!("SELECT count(*) {} {wanted}", self.from)
    }

    /// Two ids, because of a single one the server reads the row itself before it explains.
    pub(super) fn explain(&self) -> String {
        let Self { alias, from, .. } = self;
        format!("EXPLAIN SELECT {} {from} WHERE {alias}.id IN (-4815162342108, -4815162342107)", self.values[0])
    }

    pub(super) fn repeated(&self) -> String {
        let Self { alias, from, .. } = self;
        format!(
            "SELECT {alias}.id, count(*) {from} GROUP BY {alias}.id HAVING count(*) > 1 OR {alias}.id IS NULL LIMIT 3"
        )
    }

    pub(super) fn outermost(&self) -> String {
        format!("SELECT min({alias}.id), max({alias}.id) {from}", alias = self.alias, from = self.from)
    }

    /// Byte by byte, which no collation can make mean anything else. How much white space counts as surrounding is
    /// decided by whoever reads the answer.
    fn has_one_of(&self, ecu_numbers: &[String]) -> String {
        let conditions: Vec<String> =
            ecu_numbers.iter().map(|ecu| format!("LOCATE({}, {}) > 0", hexadecimal(ecu), self.ecu_number)).collect();
        format!("({})", conditions.join(" OR "))
    }
}

/// The query with all columns that it has, which is only ever prepared: the server then says what the columns are, and
/// refuses what is more than one statement.
pub(super) fn whole(entity: Entity, queries: &Queries) -> String {
    format!("SELECT * {}", queries.from(entity))
}

/// A column as it is read.
fn value(column: &str, type_name: &str) -> String {
    match type_name {
        // The text protocol has its bits, not its digits.
        "BIT" => format!("{column} + 0"),
        // An instant, in the session's time zone, which is UTC: so it says so.
        "TIMESTAMP" => format!("DATE_FORMAT({column}, '%Y-%m-%dT%H:%i:%s.%fZ')"),
        "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "ENUM" | "SET" | "JSON"
        // So the driver also calls text whose collation compares byte by byte.
        | "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => text(column),
        _ => column.to_owned(),
    }
}

/// Text as the bytes of its UTF-8.
///
/// Where that is what the column holds, its bytes are taken as they are, so that broken ones can be told. Anything else
/// is converted; what the server has no character for becomes a question mark then, and where there are more of them
/// than before, a byte that is no UTF-8 stands for the value.
fn text(column: &str) -> String {
    let utf8 = format!("CONVERT({column} USING utf8mb4)");
    let question_marks = |text: &str| format!("CHAR_LENGTH({text}) - CHAR_LENGTH(REPLACE({text}, '?', ''))");
    format!(
        "CASE WHEN CHARSET({column}) IN ('utf8', 'utf8mb3', 'utf8mb4', 'ascii', 'binary') THEN CAST({column} AS BINARY) \
         WHEN {} > {} THEN x'ff' ELSE CAST({utf8} AS BINARY) END",
        question_marks(&utf8),
        question_marks(column)
    )
}
