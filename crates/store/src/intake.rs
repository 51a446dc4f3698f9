//! Certificates on their way into the queue: new ones, and those that are tried again.

use certferry_certificate::{Code, Kind, OldId};
use sqlx::PgConnection;

use crate::{Database, Error};

/// Records certificates as queued. Returns those that had no row yet, in order: the ones to push jobs for.
pub async fn record_queued(connection: &mut PgConnection, certificates: &[OldId]) -> Result<Vec<OldId>, Error> {
    let ids: Vec<i64> = certificates.iter().map(|id| id.0).collect();
    let new = sqlx::query_file_scalar!("queries/record_queued.sql", &ids)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("record queued certificates", error))?;
    Ok(sorted(new))
}

/// Counts the status table anew, so that every process stops using the plans it made when the table was small or empty.
pub async fn analyze_status(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query_file!("queries/analyze_status.sql")
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("analyze the status table", error))
}

/// Up to `limit` queued certificates with an id of `from` or above, in order.
pub async fn queued_page(connection: &mut PgConnection, from: OldId, limit: i64) -> Result<Vec<OldId>, Error> {
    let queued = sqlx::query_file_scalar!("queries/queued_page.sql", from.0, limit)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("look up queued certificates", error))?;
    Ok(queued.into_iter().map(OldId).collect())
}

/// Those of the certificates that have a status row.
pub async fn known(database: &Database, certificates: &[OldId]) -> Result<Vec<OldId>, Error> {
    let ids: Vec<i64> = certificates.iter().map(|id| id.0).collect();
    let known = sqlx::query_file_scalar!("queries/known.sql", &ids)
        .fetch_all(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new("look up status rows", error))?;
    Ok(sorted(known))
}

/// Which certificates to try again. An empty list, or `None`, does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// Skipped certificates instead of failed ones.
    pub skipped: bool,
    /// The kind of the error shown.
    pub kind: Option<Kind>,
    /// The code of the error shown.
    pub code: Option<Code>,
    /// ECU numbers, exactly.
    pub ecu_numbers: Vec<String>,
    /// Legacy ids.
    pub ids: Vec<i64>,
}

impl Retry {
    fn state(&self) -> &'static str {
        if self.skipped { "skipped" } else { "failed" }
    }
}

/// Makes up to `limit` certificates with an id of `from` or above queued again. Returns them in order: the ones to
/// push jobs for.
pub async fn requeue(
    connection: &mut PgConnection,
    retry: &Retry,
    from: OldId,
    limit: i64,
) -> Result<Vec<OldId>, Error> {
    let requeued = sqlx::query_file_scalar!(
        "queries/requeue.sql",
        from.0,
        retry.state(),
        retry.kind.map(Kind::as_str),
        retry.code.map(Code::as_str),
        &retry.ecu_numbers,
        &retry.ids,
        limit,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| Error::new("queue certificates again", error))?;
    Ok(sorted(requeued))
}

/// How many certificates [`requeue`] would take.
pub async fn count_requeueable(database: &Database, retry: &Retry) -> Result<i64, Error> {
    sqlx::query_file_scalar!(
        "queries/count_requeueable.sql",
        retry.state(),
        retry.kind.map(Kind::as_str),
        retry.code.map(Code::as_str),
        &retry.ecu_numbers,
        &retry.ids,
    )
    .fetch_one(&mut *database.session().await?)
    .await
    .map_err(|error| Error::new("count certificates to try again", error))
}

fn sorted(ids: Vec<i64>) -> Vec<OldId> {
    let mut ids: Vec<OldId> = ids.into_iter().map(OldId).collect();
    ids.sort_unstable();
    ids
}
