//! Pausing a run: workers claim nothing while a pause is open.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use crate::{Database, Error};

/// A pause of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// Since when, by the database's clock.
    pub at: DateTime<Utc>,
    /// Who paused it.
    pub by: String,
    /// Why, where that was said.
    pub reason: Option<String>,
}

/// Pauses the run. Returns false, and changes nothing, when it is paused already.
pub async fn pause(database: &Database, by: &str, reason: Option<&str>) -> Result<bool, Error> {
    let failed = |error| Error::new("pause the run", error);
    let mut session = database.session().await?;
    let paused = sqlx::query_file_scalar!("queries/pause.sql", by, reason)
        .fetch_optional(&mut *session)
        .await
        .map_err(failed)?;
    session.end().await.map_err(failed)?;
    Ok(paused.is_some())
}

/// Lets the run go on. Returns the pause that ended, if there was one.
pub async fn resume(database: &Database, by: &str) -> Result<Option<Pause>, Error> {
    let failed = |error| Error::new("resume the run", error);
    let mut session = database.session().await?;
    let ended = sqlx::query_file!("queries/resume.sql", by).fetch_optional(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)?;
    Ok(ended.map(|row| Pause { at: row.paused_at, by: row.paused_by, reason: row.reason }))
}

/// The pause that is open, if there is one.
pub async fn open_pause(connection: &mut PgConnection) -> Result<Option<Pause>, Error> {
    let open = sqlx::query_file!("queries/open_pause.sql")
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::new("look for a pause", error))?;
    Ok(open.map(|row| Pause { at: row.paused_at, by: row.paused_by, reason: row.reason }))
}
