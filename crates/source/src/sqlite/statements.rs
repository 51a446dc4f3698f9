//! The user's queries, wrapped for pages, lookups by id and the ECU filter.
//!
//! SQLite flattens a plain query into the statement around it, so the conditions reach the indexes of the legacy tables.
//! A column may hold values of any type, so every value is cast to text.

use crate::Entity;
use crate::query::Queries;
use crate::text::list;

/// The statements around one query.
#[derive(Debug)]
pub(super) struct Statements {
    alias: &'static str,
    from: String,
    values: String,
}

impl Statements {
    pub(super) fn new(entity: Entity, queries: &Queries) -> Self {
        let alias = entity.alias();
        let values: Vec<String> =
            entity.columns().iter().map(|column| format!("CAST({alias}.{column} AS TEXT)")).collect();
        Self { alias, from: queries.from(entity), values: values.join(", ") }
    }

    pub(super) fn scan(&self, after: Option<i64>, limit: u32) -> String {
        let Self { alias, from, .. } = self;
        let after = after.map(|after| format!("WHERE {alias}.id > {after}")).unwrap_or_default();
        format!("SELECT CAST({alias}.id AS TEXT) {from} {after} ORDER BY {alias}.id LIMIT {limit}")
    }

    pub(super) fn scan_ecu_numbers(&self, after: Option<i64>, limit: u32, ecu_numbers: &[String]) -> String {
        let Self { alias, from, .. } = self;
        let after = after.map(|after| format!("{alias}.id > {after} AND")).unwrap_or_default();
        let wanted = self.has_one_of(ecu_numbers);
        format!("{} {from} WHERE {after} {wanted} ORDER BY {alias}.id LIMIT {limit}", self.id_and_ecu_number())
    }

    pub(super) fn present(&self, ids: &[i64]) -> String {
        format!("{} {} WHERE {}.id IN ({})", self.id_and_ecu_number(), self.from, self.alias, list(ids))
    }

    pub(super) fn by_id(&self, ids: &[i64]) -> String {
        format!("SELECT {} {} WHERE {}.id IN ({})", self.values, self.from, self.alias, list(ids))
    }

    pub(super) fn large_certificates(&self, ids: &[i64], small: u64) -> String {
        let Self { alias, from, .. } = self;
        let columns = &Entity::Certificates.columns()[1..];
        let sizes: Vec<String> =
            columns.iter().map(|column| format!("coalesce(octet_length({alias}.{column}), 0)")).collect();
        let size = sizes.join(" + ");
        format!(
            "SELECT CAST({alias}.id AS TEXT), CAST({size} AS TEXT) {from} \
             WHERE {alias}.id IN ({}) AND {size} > {small}",
            list(ids)
        )
    }

    pub(super) fn count(&self, ecu_numbers: Option<&[String]>) -> String {
        let wanted = ecu_numbers.map(|wanted| format!("WHERE {}", self.has_one_of(wanted))).unwrap_or_default();
        format!("SELECT CAST(count(*) AS TEXT) {} {wanted}", self.from)
    }

    pub(super) fn explain(&self) -> String {
        format!("EXPLAIN QUERY PLAN SELECT {} {} WHERE {}.id IN (1, 2)", self.values, self.from, self.alias)
    }

    pub(super) fn repeated(&self) -> String {
        let Self { alias, from, .. } = self;
        format!(
            "SELECT CAST({alias}.id AS TEXT), CAST(count(*) AS TEXT) {from} \
             GROUP BY {alias}.id HAVING count(*) > 1 OR {alias}.id IS NULL LIMIT 3"
        )
    }

    /// In the order of the ids themselves, where text comes after every number: so an id that is no number is found.
    pub(super) fn outermost(&self) -> String {
        let Self { alias, from, .. } = self;
        let one = |direction: &str| {
            format!(
                "SELECT * FROM (SELECT CAST({alias}.id AS TEXT) {from} WHERE {alias}.id IS NOT NULL \
                 ORDER BY {alias}.id {direction} LIMIT 1)"
            )
        };
        format!("{} UNION ALL {}", one("ASC"), one("DESC"))
    }

    /// The query with all columns that it has.
    pub(super) fn whole(&self) -> String {
        format!("SELECT * {}", self.from)
    }

    fn id_and_ecu_number(&self) -> String {
        format!("SELECT CAST({alias}.id AS TEXT), CAST({alias}.ecu_number AS TEXT)", alias = self.alias)
    }

    /// How much white space counts as surrounding is decided by whoever reads the answer.
    fn has_one_of(&self, ecu_numbers: &[String]) -> String {
        let condition =
            |ecu: &String| format!("instr(CAST({}.ecu_number AS TEXT), '{}') > 0", self.alias, ecu.replace('\'', "''"));
        let conditions: Vec<String> = ecu_numbers.iter().map(condition).collect();
        format!("({})", conditions.join(" OR "))
    }
}
