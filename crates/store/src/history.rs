//! What became of certificates before: kept for good. `rules.md`, Runs.

use certferry_certificate::{NewId, OldId, State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::report::StoredIssue;
use crate::{Error, ReportRow, StoredWarning};

/// How many earlier outcomes of one certificate are read; the latest.
const LATEST: i64 = 1_000;

/// How an attempt ended, or what a person decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// When.
    pub at: DateTime<Utc>,
    /// The run that had queued the certificate.
    pub run: Option<i64>,
    /// Who: a worker, or a person.
    pub worker: Option<String>,
    /// `migrated`, `failed`, `skipped`, `reverted`, `postponed` (it is tried again) or `crashed` (its worker died).
    pub outcome: String,
    /// Why, where a person decided it.
    pub reason: Option<String>,
    /// What was wrong.
    pub issues: Vec<StoredIssue>,
}

/// What became of a certificate before what its status row says, the oldest first.
pub async fn history(connection: &mut PgConnection, id: OldId) -> Result<Vec<Attempt>, Error> {
    let rows = sqlx::query_file!("queries/history.sql", id.0, LATEST)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("read what became of the certificate before", error))?;
    let attempts = rows.into_iter().map(|row| Attempt {
        at: row.at,
        run: row.run_id,
        worker: row.worker,
        outcome: row.outcome,
        reason: row.reason,
        issues: row.issues.0,
    });
    Ok(attempts.collect())
}

/// The status row of a certificate, if it was ever enqueued.
pub async fn status_row(connection: &mut PgConnection, id: OldId) -> Result<Option<ReportRow>, Error> {
    let row = sqlx::query_file!("queries/status_row.sql", id.0)
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::new("read the status of the certificate", error))?;
    Ok(row.map(|row| ReportRow {
        certificate_id: OldId(row.certificate_id),
        state: row.state,
        certificate_number: row.certificate_number,
        ecu_number: row.ecu_number,
        new_certificate_id: row.new_certificate_id.map(NewId),
        new_vehicle_id: row.new_vehicle_id.map(NewId),
        attempts: row.attempts,
        error_kind: row.error_kind,
        error_code: row.error_code,
        error_message: row.error_message,
        issues: row.issues.0,
        warnings: row.warnings.0,
        run_id: row.run_id,
        reason: row.reason,
        worker: row.worker,
        enqueued_at: row.enqueued_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
    }))
}

/// What the destination has of a migrated certificate: `certificate`, `vehicle`, `device` and `customer`, each with all its
/// columns; none where the certificate is gone.
pub async fn destination_row(
    connection: &mut PgConnection,
    certificate: NewId,
    vehicle: Option<NewId>,
) -> Result<Option<Value>, Error> {
    sqlx::query_file_scalar!("queries/destination_row.sql", certificate.0, vehicle.map(|id| id.0))
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::new("read the certificate in the destination", error))
}

/// Locks the status rows of those of the certificates that are in one of `states`; returns them in order.
pub async fn lock_states(
    connection: &mut PgConnection,
    certificates: &[OldId],
    states: &[State],
) -> Result<Vec<OldId>, Error> {
    let ids: Vec<i64> = certificates.iter().map(|id| id.0).collect();
    let states: Vec<String> = states.iter().map(|state| state.as_str().to_owned()).collect();
    let locked = sqlx::query_file_scalar!("queries/lock_states.sql", &ids, &states)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("lock status rows", error))?;
    Ok(locked.into_iter().map(OldId).collect())
}

/// Keeps what locked status rows say before they are replaced. Where a later run queues the certificates again, they go on
/// to count in the run they leave.
pub(crate) async fn keep_history(
    connection: &mut PgConnection,
    certificates: &[i64],
    are_queued_again: bool,
) -> Result<(), Error> {
    sqlx::query_file!("queries/keep_history.sql", certificates, are_queued_again)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("keep what became of certificates", error))
}
