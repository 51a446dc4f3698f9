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
    /// The same without the ECU numbers.
    pub(super) scan_ecu_numbers_ids: Arc<str>,
    /// `$1` ids.
    pub(super) present: Arc<str>,
    pub(super) count: Arc<str>,
    /// `$1` ECU numbers.
    pub(super) count_ecu_numbers: Arc<str>,
    /// `$1` ids, `$2` bytes.
    pub(super) large_certificates: Arc<str>,
    certificates: EntityStatements,
    customers: EntityStatements,
    technicians: EntityStatements,
}

/// The statements that all entities have.
#[derive(Debug)]
pub(super) struct EntityStatements {
    /// `$1` ids; returns the columns of [`Entity::columns`], as text.
    pub(super) by_id: Arc<str>,
    /// Each of those columns alone. `$1` ids.
    pub(super) each_by_id: Vec<Arc<str>>,
    /// The query with all columns that it has.
    pub(super) whole: Arc<str>,
    /// How the server would find [`MARKED_ID`].
    pub(super) explain: Arc<str>,
    /// Ids that more than one row has, and rows without an id.
    pub(super) repeated: Arc<str>,
    /// The lowest and the highest id.
    pub(super) outermost: Arc<str>,
}

/// An id that is easily found again in what `EXPLAIN` says.
pub(super) const MARKED_ID: i64 = -4_815_162_342_108;

impl Statements {
    pub(super) fn new(queries: &Queries) -> Self {
        let certificates = queries.from(Entity::Certificates);
        // An index on the ECU number cannot find ` ECU1 `, so the table is read through once; how much white space
        // counts as surrounding is decided by whoever reads the answer.
        let has_ecu_number = |parameter: &str| {
            format!(
                "EXISTS (SELECT FROM unnest({parameter}::text[]) AS wanted (ecu_number) \
                 WHERE strpos(certificate.ecu_number::text, wanted.ecu_number) > 0)"
            )
        };
        let matching = format!(
            "{certificates} WHERE ($1::bigint IS NULL OR certificate.id > $1::bigint) AND {}",
            has_ecu_number("$3")
        );
        Self {
            scan_from_the_start: format!("SELECT certificate.id::text {certificates} ORDER BY certificate.id LIMIT $1")
                .into(),
            scan: format!(
                "SELECT certificate.id::text {certificates} WHERE certificate.id > $1::bigint \
                 ORDER BY certificate.id LIMIT $2"
            )
            .into(),
            scan_ecu_numbers: format!(
                "SELECT certificate.id::text, certificate.ecu_number::text {matching} ORDER BY certificate.id LIMIT $2"
            )
            .into(),
            scan_ecu_numbers_ids: format!("SELECT certificate.id::text {matching} ORDER BY certificate.id LIMIT $2")
                .into(),
            present: format!(
                "SELECT certificate.id::text, certificate.ecu_number::text {certificates} \
                 WHERE certificate.id = ANY ($1::bigint[])"
            )
            .into(),
            count: format!("SELECT count(*) {certificates}").into(),
            count_ecu_numbers: format!("SELECT count(*) {certificates} WHERE {}", has_ecu_number("$1")).into(),
            large_certificates: large_certificates(&certificates).into(),
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
        let alias = entity.alias();
        let values: Vec<String> = entity.columns().iter().map(|column| format!("{alias}.{column}::text")).collect();
        let from = queries.from(entity);
        let by_id = format!("{from} WHERE {alias}.id = ANY ($1::bigint[])");
        Self {
            by_id: format!("SELECT {} {by_id}", values.join(", ")).into(),
            each_by_id: values.iter().map(|value| format!("SELECT {value} {by_id}").into()).collect(),
            whole: format!("SELECT * {from}").into(),
            explain: format!("EXPLAIN SELECT * {from} WHERE {alias}.id = ANY ('{{{MARKED_ID}}}'::bigint[])").into(),
            repeated: format!(
                "SELECT {alias}.id::text, count(*) {from} GROUP BY {alias}.id \
                 HAVING count(*) > 1 OR {alias}.id IS NULL ORDER BY {alias}.id LIMIT 3"
            )
            .into(),
            outermost: format!("SELECT min({alias}.id)::text, max({alias}.id)::text {from}").into(),
        }
    }
}

/// Lengths are known without reading what is stored apart.
fn large_certificates(from: &str) -> String {
    let columns = &Entity::Certificates.columns()[1..];
    let sizes: Vec<String> =
        columns.iter().map(|column| format!("coalesce(octet_length(certificate.{column}::text), 0)::bigint")).collect();
    format!(
        "SELECT id::text, size::text FROM (SELECT certificate.id, {} AS size {from} \
         WHERE certificate.id = ANY ($1::bigint[])) AS measured WHERE size > $2::bigint",
        sizes.join(" + ")
    )
}
