//! Certificates on their way into the queue, new ones and those that are tried again, and out of it by a person.

use certferry_certificate::OldId;
use sqlx::PgConnection;

use crate::history::keep_history;
use crate::{Database, Error};

/// Records certificates as queued by `run`, or by nobody knows which. Returns those that had no row yet, in order: the ones to push jobs for.
pub async fn record_queued(
    connection: &mut PgConnection,
    certificates: &[OldId],
    run: Option<i64>,
) -> Result<Vec<OldId>, Error> {
    let ids: Vec<i64> = certificates.iter().map(|id| id.0).collect();
    let new = sqlx::query_file_scalar!("queries/record_queued.sql", &ids, run)
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

/// The state of each certificate from one legacy id to another that was ever enqueued, by ascending id.
pub async fn states_between(database: &Database, from: OldId, to: OldId) -> Result<Vec<(OldId, String)>, Error> {
    let rows = sqlx::query_file!("queries/states_between.sql", from.0, to.0)
        .fetch_all(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new("look up status rows", error))?;
    Ok(rows.into_iter().map(|row| (OldId(row.certificate_id), row.state)).collect())
}

/// Makes certificates queued again, whose status rows the caller has locked, as certificates of `run`. What became of them
/// before is kept.
pub async fn requeue(connection: &mut PgConnection, certificates: &[OldId], run: i64) -> Result<(), Error> {
    if certificates.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = certificates.iter().map(|id| id.0).collect();
    keep_history(connection, &ids, true).await?;
    sqlx::query_file!("queries/requeue.sql", &ids, run)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("queue certificates again", error))
}

/// Sets certificates aside, whose status rows the caller has locked: who decided it, and why. What became of them before is
/// kept.
pub async fn skip(connection: &mut PgConnection, certificates: &[OldId], by: &str, reason: &str) -> Result<(), Error> {
    if certificates.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = certificates.iter().map(|id| id.0).collect();
    keep_history(connection, &ids, false).await?;
    sqlx::query_file!("queries/skip.sql", &ids, by, reason)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("set certificates aside", error))
}

fn sorted(ids: Vec<i64>) -> Vec<OldId> {
    let mut ids: Vec<OldId> = ids.into_iter().map(OldId).collect();
    ids.sort_unstable();
    ids
}
