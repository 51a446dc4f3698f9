//! The user's queries, wrapped for pages, lookups by id and the ECU filter.
//!
//! PostgreSQL pulls a plain query up out of its brackets, so the conditions reach the indexes of the legacy tables.

use std::sync::Arc;

use crate::{Entity, query::Queries};

/// Every statement the reader runs.
#[derive(Debug)]
pub(super) struct Statements {
    /// `$1` limit.
    pub(super) scan_from_the_start: Arc<str>,
    /// `$1` after, `$2` limit.
    pub(super) scan: Arc<str>,
    /// `$1` after or NULL, `$2` limit, `$3` ECU numbers.
    pub(super) scan_ecu_numbers: Arc<str>,
    /// `$1` ids.
    pub(super) present: Arc<str>,
    pub(super) count: Arc<str>,
    /// `$1` ECU numbers.
    pub(super) count_ecu_numbers: Arc<str>,
    certificates: EntityStatements,
    customers: EntityStatements,
    technicians: EntityStatements,
}

/// The statements that all entities have.
#[derive(Debug)]
pub(super) struct EntityStatements {
    /// `$1` ids; returns the columns of [`Entity::columns`], as text.
    pub(super) by_id: Arc<str>,
    /// The query with all columns that it has.
    pub(super) whole: Arc<str>,
}

impl Statements {
    pub(super) fn new(queries: &Queries) -> Self {
        let certificates = from(Entity::Certificates, queries);
        // An index on the ECU number cannot find ` ECU1 `, so the table is read through once; how much white space
        // counts as surrounding is decided by whoever reads the answer.
        let has_ecu_number = |parameter: &str| {
            format!(
                "EXISTS (SELECT FROM unnest({parameter}::text[]) AS wanted (ecu_number) \
                 WHERE strpos(certificate.ecu_number::text, wanted.ecu_number) > 0)"
            )
        };
        Self {
            scan_from_the_start: format!("SELECT certificate.id::text {certificates} ORDER BY certificate.id LIMIT $1")
                .into(),
            scan: format!(
                "SELECT certificate.id::text {certificates} WHERE certificate.id > $1::bigint \
                 ORDER BY certificate.id LIMIT $2"
            )
            .into(),
            scan_ecu_numbers: format!(
                "SELECT certificate.id::text, certificate.ecu_number::text {certificates} \
                 WHERE ($1::bigint IS NULL OR certificate.id > $1::bigint) AND {} ORDER BY certificate.id LIMIT $2",
                has_ecu_number("$3")
            )
            .into(),
            present: format!(
                "SELECT certificate.id::text, certificate.ecu_number::text {certificates} \
                 WHERE certificate.id = ANY ($1::bigint[])"
            )
            .into(),
            count: format!("SELECT count(*) {certificates}").into(),
            count_ecu_numbers: format!("SELECT count(*) {certificates} WHERE {}", has_ecu_number("$1")).into(),
            certificates: EntityStatements::new(Entity::Certificates, queries),
            customers: EntityStatements::new(Entity::Customers, queries),
            technicians: EntityStatements::new(Entity::Technicians, queries),
        }
    }

    pub(super) fn of(&self, entity: Entity) -> &EntityStatements {
        match entity {
            Entity::Certificates => &self.certificates,
            Entity::Customers => &self.customers,
            Entity::Technicians => &self.technicians,
        }
    }
}

impl EntityStatements {
    fn new(entity: Entity, queries: &Queries) -> Self {
        let alias = alias(entity);
        let values: Vec<String> =
            entity.columns().iter().map(|column| value(&format!("{alias}.{column}"), column)).collect();
        let from = from(entity, queries);
        Self {
            by_id: format!("SELECT {} {from} WHERE {alias}.id = ANY ($1::bigint[])", values.join(", ")).into(),
            whole: format!("SELECT * {from}").into(),
        }
    }
}

fn alias(entity: Entity) -> &'static str {
    match entity {
        Entity::Certificates => "certificate",
        Entity::Customers => "customer",
        Entity::Technicians => "technician",
    }
}

/// The user's query in brackets, which stand on lines of their own because the query may end with a comment.
fn from(entity: Entity, queries: &Queries) -> String {
    format!("FROM (\n{}\n) AS {}", queries.of(entity), alias(entity))
}

/// A column as text. PostgreSQL writes an instant's offset as `+00`, which is none of the accepted date forms.
fn value(column: &str, name: &str) -> String {
    if name.ends_with("_date") {
        format!(
            "CASE WHEN pg_typeof({column}) = 'timestamptz'::regtype \
             THEN to_char({column}::text::timestamptz, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') ELSE {column}::text END"
        )
    } else {
        format!("{column}::text")
    }
}
