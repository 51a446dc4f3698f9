//! The user's queries, wrapped for pages, lookups by id and the ECU filter.
//!
//! MariaDB and MySQL merge a plain query in brackets into the statement around it, so the conditions reach the indexes
//! of the legacy tables. Everything comes back in the text protocol: numbers and dates as the server writes them, zero
//! dates included, and text as the bytes that it is.

use super::key;
use crate::Entity;
use crate::entity::CERTIFICATE_NUMBER;
use crate::key::{Ids, IdsDialect};
use crate::query::Queries;
use crate::reader::Column;
use crate::text::hexadecimal;

/// The statements around one query, whose columns are known.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) ids: Ids,
    id: String,
    from: String,
    /// Each of [`Entity::columns`] as it is read.
    values: Vec<String>,
    ecu_number: String,
}

const DIALECT: IdsDialect = IdsDialect {
    digits: str::to_owned,
    // Byte by byte, which no collation can make mean anything else.
    has_one_of: |ecu_number, wanted| {
        let conditions: Vec<String> =
            wanted.iter().map(|ecu| format!("LOCATE({}, {ecu_number}) > 0", hexadecimal(ecu))).collect();
        format!("({})", conditions.join(" OR "))
    },
};

impl Statements {
    pub(super) fn new(entity: Entity, queries: &Queries, columns: &[Column]) -> Self {
        let alias = entity.alias();
        let type_of = |name: &str| {
            let column = columns.iter().find(|column| column.name == name);
            column.map_or("VARCHAR", |column| column.type_name.as_str())
        };
        let value_of = |name: &str| value(&format!("{alias}.{name}"), type_of(name));
        let id = format!("{alias}.id");
        let key = key::of(&id, type_of("id"));
        let mut values: Vec<String> = entity.columns().iter().map(|name| value_of(name)).collect();
        // The id as the whole number that it was found by.
        values[0].clone_from(&key.value);
        let ecu_number = if entity == Entity::Certificates { value_of("ecu_number") } else { "NULL".to_owned() };
        let ids = Ids::new(entity, queries, key, value_of("id"), ecu_number.clone(), DIALECT);
        Self { ids, id, from: queries.from(entity), values, ecu_number }
    }

    pub(super) fn present(&self, ids: &[i64]) -> String {
        let Self { from, values, ecu_number, .. } = self;
        format!("SELECT {}, {ecu_number} {from} WHERE {}", values[0], self.among(ids))
    }

    pub(super) fn identities(&self, ids: &[i64]) -> String {
        let number = &self.values[CERTIFICATE_NUMBER];
        format!("SELECT {}, {number}, {} {} WHERE {}", self.values[0], self.ecu_number, self.from, self.among(ids))
    }

    pub(super) fn by_id(&self, ids: &[i64]) -> String {
        format!("SELECT {} {} WHERE {}", self.values.join(", "), self.from, self.among(ids))
    }

    pub(super) fn large_certificates(&self, ids: &[i64], small: u64) -> String {
        let columns = Entity::Certificates.columns()[1..].iter();
        let sizes: Vec<String> =
            columns.map(|column| format!("COALESCE(LENGTH({}.{column}), 0)", Entity::Certificates.alias())).collect();
        let size = sizes.join(" + ");
        format!("SELECT {}, {size} {} WHERE {} AND {size} > {small}", self.values[0], self.from, self.among(ids))
    }

    /// Two ids, because of a single one the server reads the row itself before it explains.
    pub(super) fn explain(&self) -> String {
        let wanted = self.among(&[-4_815_162_342_108, -4_815_162_342_107]);
        format!("EXPLAIN SELECT {} {} WHERE {wanted}", self.id, self.from)
    }

    fn among(&self, ids: &[i64]) -> String {
        self.ids.key.among(&self.id, ids)
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
        // An instant, whatever the session's time zone; a zero date is none, and stays what it is.
        "TIMESTAMP" => format!(
            "CASE WHEN COALESCE(UNIX_TIMESTAMP({column}), 0) = 0 THEN CAST({column} AS CHAR) \
             ELSE DATE_FORMAT(TIMESTAMP('1970-01-01 00:00:00.000000') + INTERVAL UNIX_TIMESTAMP({column}) SECOND, \
             '%Y-%m-%dT%H:%i:%s.%fZ') END"
        ),
        // The text protocol rounds the first to six digits, and gives large numbers an exponent.
        "FLOAT" | "FLOAT UNSIGNED" | "DOUBLE" | "DOUBLE UNSIGNED" => format!(
            "CASE WHEN {} THEN CAST(CAST({column} AS SIGNED) AS CHAR) ELSE CAST({column} AS CHAR) END",
            key::is_whole(column)
        ),
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
    // Twice as many are longer. An empty text would be NULL to some servers.
    let question_marks = |text: &str| format!("CHAR_LENGTH(REPLACE({text}, '?', '??')) - CHAR_LENGTH({text})");
    format!(
        "CASE WHEN CHARSET({column}) IN ('utf8', 'utf8mb3', 'utf8mb4', 'ascii', 'binary') THEN CAST({column} AS BINARY) \
         WHEN {} > {} THEN x'ff' ELSE CAST({utf8} AS BINARY) END",
        question_marks(&utf8),
        question_marks(column)
    )
}
