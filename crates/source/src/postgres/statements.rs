//! The user's queries, wrapped for pages, lookups by id and the ECU filter.
//!
//! PostgreSQL pulls a plain query up out of its brackets, so the conditions reach the indexes of the legacy tables.

use std::sync::Arc;

use super::key;
use crate::entity::CERTIFICATE_NUMBER;
use crate::key::{Ids, IdsDialect, Lookup};
use crate::reader::Column;
use crate::{Entity, query::Queries};

/// The statements around one query, whose columns are known.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) ids: Ids,
    /// `$1` ids; returns the columns of [`Entity::columns`], as text.
    pub(super) by_id: Arc<str>,
    /// Each of those columns alone. `$1` ids.
    pub(super) each_by_id: Vec<Arc<str>>,
    /// The id and the ECU number. `$1` ids.
    pub(super) present: Arc<str>,
    /// The id, the certificate number and the ECU number. `$1` ids.
    pub(super) identities: Arc<str>,
    /// The id and the bytes of all other values, where those are more than `$2`. `$1` ids.
    pub(super) large: Arc<str>,
    /// How the server would find [`MARKED_ID`].
    pub(super) explain: Arc<str>,
}

/// An id that is easily found again in what `EXPLAIN` says.
pub(super) const MARKED_ID: i64 = -4_815_162_342_108;

const DIALECT: IdsDialect = IdsDialect {
    digits: |number| format!("({number})::text"),
    // An index on the ECU number cannot find ` ECU1 `, so the table is read through once.
    has_one_of: |ecu_number, _| {
        format!(
            "EXISTS (SELECT FROM unnest($1::text[]) AS wanted (ecu_number) \
             WHERE strpos({ecu_number}, wanted.ecu_number) > 0)"
        )
    },
};

impl Statements {
    pub(super) fn new(entity: Entity, queries: &Queries, columns: &[Column]) -> Self {
        let alias = entity.alias();
        let type_of = |name: &str| {
            let column = columns.iter().find(|column| column.name == name);
            column.map_or("text", |column| column.type_name.as_str())
        };
        let value_of = |name: &str| value(&format!("{alias}.{name}"), type_of(name));
        let id = format!("{alias}.id");
        let key = key::of(&id, type_of("id"));
        let from = queries.from(entity);
        let found = |ids: &str| {
            let numbers = format!("({ids}::bigint[])");
            let is_value = format!("{} = ANY ({numbers})", key.value);
            match key.lookup {
                Lookup::Number => format!("{id} = ANY ({numbers})"),
                Lookup::InexactNumber | Lookup::Either => format!("{id} = ANY ({numbers}) AND {is_value}"),
                Lookup::Text => format!("{id} = ANY ({numbers}::text[]) AND {is_value}"),
                Lookup::Value => is_value,
            }
        };
        let by_id = format!("{from} WHERE {}", found("$1"));
        let key_value = format!("({})::text", key.value);
        let mut values: Vec<String> = entity.columns().iter().map(|name| value_of(name)).collect();
        // The id first, as the whole number that it was found by.
        values[0].clone_from(&key_value);
        // Lengths are known without reading what is stored apart.
        let sizes: Vec<String> = entity.columns()[1..]
            .iter()
            .map(|column| format!("coalesce(octet_length({alias}.{column}::text), 0)::bigint"))
            .collect();
        let measured = format!("SELECT {key_value} AS id, {} AS size {by_id}", sizes.join(" + "));
        // What is compared with text has to be text.
        let ecu_number = match type_of("ecu_number") {
            _ if entity != Entity::Certificates => "NULL".to_owned(),
            "bytea" => format!("encode({alias}.ecu_number, 'escape')"),
            _ => value_of("ecu_number"),
        };
        Self {
            by_id: format!("SELECT {} {by_id}", values.join(", ")).into(),
            each_by_id: values.iter().map(|value| format!("SELECT {value} {by_id}").into()).collect(),
            present: format!("SELECT {key_value}, {ecu_number} {by_id}").into(),
            identities: format!("SELECT {key_value}, {}, {ecu_number} {by_id}", values[CERTIFICATE_NUMBER]).into(),
            large: format!("SELECT id, size::text FROM ({measured}) AS measured WHERE size > $2::bigint").into(),
            explain: format!("EXPLAIN SELECT * {from} WHERE {}", found(&format!("'{{{MARKED_ID}}}'"))).into(),
            ids: Ids::new(entity, queries, key, format!("{id}::text"), ecu_number, DIALECT),
        }
    }
}

/// The query with all columns that it has, which is only ever prepared.
pub(super) fn whole(entity: Entity, queries: &Queries) -> String {
    format!("SELECT * {}", queries.from(entity))
}

/// A column as text, or as the bytes of one.
fn value(column: &str, type_name: &str) -> String {
    match type_name {
        // As an instant, whatever the session's time zone; infinity and years before Christ, which are no date here,
        // as PostgreSQL writes them.
        "timestamptz" => format!(
            "CASE WHEN isfinite({column}) AND {column} >= '0001-01-02 00:00:00+00'::timestamptz \
             THEN to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') ELSE {column}::text END"
        ),
        // What its bytes are is text or none; the server would write their digits, in one of two ways.
        "bytea" => column.to_owned(),
        // With all digits instead of an exponent.
        "float4" | "float8" => format!(
            "CASE WHEN {column} IN ('NaN', 'Infinity', '-Infinity') THEN {column}::text \
             ELSE {column}::text::numeric::text END"
        ),
        _ => format!("{column}::text"),
    }
}
