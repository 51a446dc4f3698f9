//! What became of the last batches of all workers: what the circuit breaker judges by.

use certferry_certificate::Code;
use sqlx::PgConnection;

use crate::{Database, Error};

/// The last batches in figures. Batches are counted whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentBatches {
    /// Certificates finished by the newest batches: as many as were asked for, or hardly more, or all there are.
    pub certificates: i64,
    /// The code with which most of them failed.
    pub code: Option<String>,
    /// How many failed with it.
    pub failed: i64,
    /// How many of the newest batches met an error of infrastructure.
    pub infrastructure_errors: i64,
    /// The code of one of those errors.
    pub infrastructure_error: Option<String>,
}

/// Looks at the newest batches since the run was last resumed: those with `certificates` certificates for failures, and
/// the newest `batches` for errors of infrastructure.
pub async fn recent_batches(
    connection: &mut PgConnection,
    certificates: u32,
    batches: u32,
) -> Result<RecentBatches, Error> {
    let row = sqlx::query_file!("queries/recent_batches.sql", i64::from(certificates), i64::from(batches))
        .fetch_one(connection)
        .await
        .map_err(|error| Error::new("look at the last batches", error))?;
    Ok(RecentBatches {
        certificates: row.certificates,
        code: row.code,
        failed: row.failed,
        infrastructure_errors: row.infrastructure_errors,
        infrastructure_error: row.infrastructure_error,
    })
}

/// Notes that a batch met an error of infrastructure while both databases answered.
pub async fn note_infrastructure_error(database: &Database, worker: &str, code: Code) -> Result<(), Error> {
    let failed = |error| Error::new("note an error of infrastructure", error);
    let mut session = database.session().await?;
    sqlx::query_file!("queries/note_infrastructure_error.sql", worker, code.as_str())
        .execute(&mut *session)
        .await
        .map_err(failed)?;
    session.end().await.map_err(failed)
}

/// Forgets all batches but the newest.
pub async fn forget_batches(database: &Database, but: u32) -> Result<(), Error> {
    let failed = |error| Error::new("forget old batches", error);
    let mut session = database.session().await?;
    sqlx::query_file!("queries/forget_batches.sql", i64::from(but)).execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)
}
