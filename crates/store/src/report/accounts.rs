//! What a report needs to find certificates that one side knows and the other does not.

use certferry_certificate::{NewId, OldId};
use futures::TryStreamExt;
use sqlx::PgConnection;

use crate::Error;

/// A certificate that was ever enqueued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateState {
    /// The legacy id.
    pub id: OldId,
    /// Its state, as stored.
    pub state: String,
}

/// The next `size` certificates that have a status row, by ascending id; fewer only at the end.
pub async fn states_page(
    connection: &mut PgConnection,
    after: Option<OldId>,
    size: i64,
) -> Result<Vec<CertificateState>, Error> {
    let rows = sqlx::query_file!("queries/report_states_page.sql", after.map(|id| id.0), size)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("read which certificates were enqueued", error))?;
    Ok(rows.into_iter().map(|row| CertificateState { id: OldId(row.certificate_id), state: row.state }).collect())
}

/// Whether the destination's certificates can be read: a report may be made where they cannot.
pub async fn can_read_destination(connection: &mut PgConnection, schema: &str) -> Result<bool, Error> {
    sqlx::query_file_scalar!("queries/report_can_read_destination.sql", schema)
        .fetch_one(connection)
        .await
        .map_err(|error| Error::new("look for the destination's certificates", error))
}

/// Hands over each certificate that was migrated and that the destination does not have any more, by ascending id.
pub async fn lost_certificates(connection: &mut PgConnection, mut take: impl FnMut(OldId, NewId)) -> Result<(), Error> {
    let failed = |error| Error::new("look for migrated certificates in the destination", error);
    let mut rows = sqlx::query_file!("queries/report_lost.sql").fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        take(OldId(row.certificate_id), NewId(row.new_certificate_id));
    }
    Ok(())
}
