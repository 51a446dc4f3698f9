//! The user's queries, wrapped for pages, lookups by id and the ECU filter.
//!
//! SQLite flattens a plain query into the statement around it, so the conditions reach the indexes of the legacy tables.
//! A column may hold values of any type, so every value is cast to text.

use super::key;
use crate::Entity;
use crate::entity::CERTIFICATE_NUMBER;
use crate::key::{Ids, IdsDialect};
use crate::query::Queries;
use crate::reader::Column;

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
    digits: |number| format!("CAST({number} AS TEXT)"),
    has_one_of: |ecu_number, wanted| {
        let condition = |ecu: &String| format!("instr({ecu_number}, '{}') > 0", ecu.replace('\'', "''"));
        let conditions: Vec<String> = wanted.iter().map(condition).collect();
        format!("({})", conditions.join(" OR "))
    },
};

impl Statements {
    pub(super) fn new(entity: Entity, queries: &Queries, columns: &[Column]) -> Self {
        let alias = entity.alias();
        let id = format!("{alias}.id");
        let type_of_id = columns.iter().find(|column| column.name == "id").map(|column| column.type_name.as_str());
        let key = key::of(&id, type_of_id.unwrap_or_default());
        let value_of = |name: &&str| value(&format!("{alias}.{name}"), name);
        let mut values: Vec<String> = entity.columns().iter().map(value_of).collect();
        // The id as the whole number that it was found by.
        values[0] = (DIALECT.digits)(&key.value);
        let ecu_number = if entity == Entity::Certificates { value_of(&"ecu_number") } else { "NULL".to_owned() };
        let ids = Ids::new(entity, queries, key, format!("CAST({id} AS TEXT)"), ecu_number.clone(), DIALECT);
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
        let sizes: Vec<String> = columns
            .map(|column| format!("coalesce(octet_length({}.{column}), 0)", Entity::Certificates.alias()))
            .collect();
        let size = sizes.join(" + ");
        format!(
            "SELECT {}, CAST({size} AS TEXT) {} WHERE {} AND {size} > {small}",
            self.values[0],
            self.from,
            self.among(ids)
        )
    }

    pub(super) fn explain(&self) -> String {
        format!("EXPLAIN QUERY PLAN {}", self.by_id(&[1, 2]))
    }

    fn among(&self, ids: &[i64]) -> String {
        self.ids.key.among(&self.id, ids)
    }
}

/// The query with all columns that it has, which is only ever prepared.
pub(super) fn whole(entity: Entity, queries: &Queries) -> String {
    format!("SELECT * {}", queries.from(entity))
}

/// A column as text. In a reference a whole number has all its digits and no exponent, whatever it is stored as.
fn value(column: &str, name: &str) -> String {
    let text = format!("CAST({column} AS TEXT)");
    if !name.ends_with("_id") {
        return text;
    }
    let is_whole = key::is_whole(column);
    format!(
        "CASE WHEN typeof({column}) = 'real' AND {is_whole} THEN CAST(CAST({column} AS INTEGER) AS TEXT) ELSE {text} END"
    )
}
