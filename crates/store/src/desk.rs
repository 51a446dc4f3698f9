//! Which certificates people have before them. `commands.md`, one-by-one.

use std::collections::HashMap;
use std::time::Duration;

use certferry_certificate::{OldId, State};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::Error;
use crate::filter::state;

/// Claims a certificate for a desk, again where it is the desk's own, unless another desk has it that was seen within
/// `orphan_after`. Returns since when, by the server's clock; none where another desk has it.
pub async fn claim_at_desk(
    connection: &mut PgConnection,
    certificate: OldId,
    person: &str,
    desk: &str,
    orphan_after: Duration,
) -> Result<Option<DateTime<Utc>>, Error> {
    sqlx::query_file_scalar!("queries/desk_claim.sql", certificate.0, person, desk, orphan_after.as_secs_f64())
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::new("claim a certificate for a person", error))
}

/// Says that a desk still has what it claimed.
pub async fn renew_desk_claim(connection: &mut PgConnection, desk: &str) -> Result<(), Error> {
    sqlx::query_file!("queries/desk_renew.sql", desk)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("renew the claim of a person", error))
}

/// Gives back what a desk claimed.
pub async fn give_back_at_desk(connection: &mut PgConnection, desk: &str) -> Result<(), Error> {
    sqlx::query_file!("queries/desk_give_back.sql", desk)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("give back what a person claimed", error))
}

/// The states of those of the certificates that have a status row.
pub async fn states(connection: &mut PgConnection, certificates: &[OldId]) -> Result<HashMap<OldId, State>, Error> {
    let doing = "look up the states of certificates";
    let ids: Vec<i64> = certificates.iter().map(|id| id.0).collect();
    let rows = sqlx::query_file!("queries/states.sql", &ids)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new(doing, error))?;
    rows.into_iter().map(|row| Ok((OldId(row.certificate_id), state(&row.state, doing)?))).collect()
}
