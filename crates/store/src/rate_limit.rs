//! How many certificates a second all workers together may take up.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use crate::{Database, Error};

/// A limit that a person set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RateLimit {
    /// Certificates a second, over all workers; above zero.
    pub per_second: f64,
    /// Who set it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Tokens that a worker took: one for each certificate that it may claim now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taken {
    /// How many; none when the bucket was empty.
    pub tokens: u32,
    /// How many come in a second.
    pub per_second: f64,
}

/// Sets the limit, in place of one that there may be. `per_second` must be above zero.
pub async fn set_limit(database: &Database, per_second: f64, by: &str) -> Result<(), Error> {
    let failed = |error| Error::new("limit the rate", error);
    let mut session = database.session().await?;
    sqlx::query_file!("queries/limit_set.sql", per_second, by).execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)
}

/// Takes the limit away; returns whether there was one.
pub async fn lift_limit(database: &Database) -> Result<bool, Error> {
    let failed = |error| Error::new("lift the limit of the rate", error);
    let mut session = database.session().await?;
    let lifted = sqlx::query_file!("queries/limit_off.sql").execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)?;
    Ok(lifted.rows_affected() > 0)
}

/// The limit, where there is one.
pub async fn rate_limit(connection: &mut PgConnection) -> Result<Option<RateLimit>, Error> {
    let row = sqlx::query_file!("queries/limit_read.sql")
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::new("look for a limit of the rate", error))?;
    Ok(row.map(|row| RateLimit { per_second: row.per_second, by: row.set_by, at: row.set_at }))
}

/// Takes up to `most` tokens; none where there is no limit any more.
pub async fn take_tokens(database: &Database, most: u32) -> Result<Option<Taken>, Error> {
    let failed = |error| Error::new("ask how much may be claimed", error);
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    let mut session = database.session().await?;
    let taken =
        sqlx::query_file!("queries/limit_take.sql", most).fetch_optional(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)?;
    Ok(taken.map(|row| Taken { tokens: u32::try_from(row.tokens).unwrap_or(0), per_second: row.per_second }))
}

/// Gives tokens back for which there was nothing to claim.
pub async fn give_tokens_back(database: &Database, tokens: u32) -> Result<(), Error> {
    let failed = |error| Error::new("give back what was not claimed", error);
    let tokens = i32::try_from(tokens).unwrap_or(i32::MAX);
    let mut session = database.session().await?;
    sqlx::query_file!("queries/limit_give_back.sql", tokens).execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)
}
