use certferry_certificate::OldId;
use serde::Serialize;
use sqlx::PgConnection;

use super::Scope;
use crate::Error;
use crate::filter::Arguments;

/// What failed certificates have in common: whoever mends it mends all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValueCause {
    /// The kind of the issue.
    pub kind: String,
    /// The code of the issue.
    pub code: String,
    /// What the issue is about.
    pub field: Option<String>,
    /// What the source has there; the beginning of a very long value.
    pub raw: Option<String>,
    /// Failed certificates with this issue.
    pub certificates: i64,
    /// Those of them that have no other issue.
    pub alone: i64,
    /// The lowest id of them.
    pub first_certificate_id: OldId,
}

/// The most frequent causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueCauses {
    /// The most frequent first.
    pub first: Vec<ValueCause>,
    /// How many there are with all others.
    pub total: i64,
}

/// The `most` most frequent causes for which certificates of `scope` failed.
pub async fn causes_by_value(connection: &mut PgConnection, scope: &Scope, most: i64) -> Result<ValueCauses, Error> {
    let Arguments { states, kinds, codes, fields, ecu_numbers, ids, run } = Arguments::of(&scope.filter);
    let rows = sqlx::query_file!(
        "queries/report_causes.sql",
        states as _,
        kinds as _,
        codes as _,
        fields as _,
        ecu_numbers as _,
        ids as _,
        run,
        scope.since,
        most,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| Error::new("count why certificates failed", error))?;
    let total = rows.first().map_or(0, |row| row.causes);
    let first = rows.into_iter().map(|row| ValueCause {
        kind: row.kind,
        code: row.code,
        field: row.field,
        raw: row.raw,
        certificates: row.certificates,
        alone: row.alone,
        first_certificate_id: OldId(row.first_certificate_id),
    });
    Ok(ValueCauses { first: first.collect(), total })
}
