//! What certificates fail of: by cause, and the latest of them.

use certferry_certificate::OldId;
use serde::Serialize;
use sqlx::PgConnection;

use crate::{Error, LastFailed};

/// Failed certificates whose first issue is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The kind the code belongs to.
    pub kind: String,
    /// The code of the issue.
    pub code: String,
    /// The column it is about; none where it is about none.
    pub field: Option<String>,
    /// How many.
    pub certificates: i64,
}

/// The most frequent causes, of all certificates or of those of one run: sums of the tally, at any size.
pub async fn causes(connection: &mut PgConnection, run: Option<i64>, most: u16) -> Result<Vec<Cause>, Error> {
    let rows = sqlx::query_file!("queries/causes.sql", run, i64::from(most))
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("count the causes of failures", error))?;
    let cause = |kind, code, field, certificates| Cause { kind, code, field, certificates };
    Ok(rows.into_iter().map(|row| cause(row.kind, row.code, row.field, row.certificates)).collect())
}

/// Some of the certificates that failed last, the last one first: of all, of one run, or of one cause. One of each batch and
/// cause at most, as the tally names them, so that the status table is not searched.
pub async fn latest_failures(
    connection: &mut PgConnection,
    run: Option<i64>,
    cause: Option<&Cause>,
    most: u16,
) -> Result<Vec<LastFailed>, Error> {
    let code = cause.map(|cause| cause.code.as_str());
    let field = cause.map(|cause| cause.field.as_deref().unwrap_or_default());
    let rows = sqlx::query_file!("queries/latest_failures.sql", run, code, field, i64::from(most))
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("find the latest failed certificates", error))?;
    Ok(rows
        .into_iter()
        .map(|row| LastFailed {
            certificate_id: OldId(row.certificate_id),
            code: row.code,
            message: row.message,
            at: row.at,
        })
        .collect())
}
