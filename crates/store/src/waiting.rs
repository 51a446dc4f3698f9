//! Why workers do not get on: locks that others hold, and what the workers themselves say.

use std::fmt;
use std::time::Duration;

use certferry_certificate::OldId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{Database, Error};

/// A lock that a session of ours waits for, and the session of somebody else that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignLock {
    /// The holder's process on the server; none for a prepared transaction.
    pub pid: Option<i32>,
    /// What the holder calls itself.
    pub application: Option<String>,
    /// The database user it is.
    pub user: Option<String>,
    /// When its transaction began, where we may see that.
    pub since: Option<DateTime<Utc>>,
    /// The table that is locked, or a row of it, where that is known.
    pub locked: Option<String>,
}

impl fmt::Display for ForeignLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.locked {
            Some(table) => write!(f, "a lock on {table} or on a row of it, held by ")?,
            None => f.write_str("a lock, held by ")?,
        }
        match self.pid {
            Some(pid) => write!(f, "session {pid}")?,
            None => f.write_str("a prepared transaction")?,
        }
        let named = [("application", &self.application), ("user", &self.user)];
        for (what, name) in named {
            if let Some(name) = name {
                write!(f, ", {what} {name}")?;
            }
        }
        if let Some(since) = self.since {
            write!(f, ", since {}", since.format("%Y-%m-%d %H:%M:%S UTC"))?;
        }
        Ok(())
    }
}

/// Looks for a foreign session that holds a lock for which a session of ours waits, and cancels the statements of batches
/// that wait for one.
pub async fn foreign_lock(database: &Database) -> Result<Option<ForeignLock>, Error> {
    let failed = |error| Error::new("look for locks that others hold", error);
    let mut session = database.session().await?;
    let row = sqlx::query_file!("queries/foreign_lock.sql").fetch_optional(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)?;
    Ok(row.map(|row| ForeignLock {
        pid: row.pid,
        application: row.application,
        user: row.user_name,
        since: row.since,
        locked: row.locked,
    }))
}

/// Who holds the lock that sessions of this application name wait for just now, whoever that is; none when they wait for none.
pub async fn lock_holder(database: &Database, waiting_application: &str) -> Result<Option<ForeignLock>, Error> {
    let failed = |error| Error::new("look for who holds a lock", error);
    let mut session = database.session().await?;
    let asking = sqlx::query_file!("queries/lock_holder.sql", waiting_application);
    let row = asking.fetch_optional(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)?;
    Ok(row.map(|row| ForeignLock {
        pid: row.pid,
        application: row.application,
        user: row.user_name,
        since: row.since,
        locked: row.locked,
    }))
}

/// Makes room for what a worker may have to tell when the server's disk is full.
pub async fn begin_waiting(database: &Database, worker: &str) -> Result<(), Error> {
    let failed = |error| Error::new("make room for what may be waited for", error);
    let mut session = database.session().await?;
    sqlx::query_file!("queries/begin_waiting.sql", worker).execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)
}

/// Tells everyone why a worker does not get on. Holds for half a minute, unless it is said again.
pub async fn record_waiting(database: &Database, worker: &str, because: &str) -> Result<(), Error> {
    let failed = |error| Error::new("record what is waited for", error);
    let mut session = database.session().await?;
    sqlx::query_file!("queries/record_waiting.sql", worker, because).execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)
}

/// Tells everyone that a worker gets on again.
pub async fn end_waiting(database: &Database, worker: &str) -> Result<(), Error> {
    let failed = |error| Error::new("record that nothing is waited for", error);
    let mut session = database.session().await?;
    sqlx::query_file!("queries/end_waiting.sql", worker).execute(&mut *session).await.map_err(failed)?;
    sqlx::query_file!("queries/forget_lock_waits.sql").execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)
}

/// Why workers do not get on, as one of them said last.
pub async fn waiting(connection: &mut PgConnection) -> Result<Option<String>, Error> {
    sqlx::query_file_scalar!("queries/waiting.sql")
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::new("look for what is waited for", error))
}

/// Whether the database takes no writes: a standby, or one that was told so.
pub async fn is_read_only(connection: &mut PgConnection) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS "read_only!""#
    )
    .fetch_one(connection)
    .await
    .map_err(|error| Error::new("ask the database whether it can be written", error))
}

/// Notes that certificates wait for a lock, and tells for how long each has.
pub async fn note_lock_waits(
    connection: &mut PgConnection,
    certificates: &[OldId],
) -> Result<Vec<(OldId, Duration)>, Error> {
    if certificates.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = certificates.iter().map(|id| id.0).collect();
    let rows = sqlx::query_file!("queries/note_lock_waits.sql", &ids)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("note certificates that wait for a lock", error))?;
    let waited = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
    Ok(rows.into_iter().map(|row| (OldId(row.certificate_id), waited(row.waited_seconds))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_told_with_who_holds_it_as_far_as_that_is_known() {
        let mut lock = ForeignLock {
            pid: Some(4711),
            application: Some("psql".to_owned()),
            user: Some("admin".to_owned()),
            since: Some(DateTime::UNIX_EPOCH),
            locked: Some("users".to_owned()),
        };
        assert_eq!(
            lock.to_string(),
            "a lock on users or on a row of it, held by session 4711, application psql, user admin, \
             since 1970-01-01 00:00:00 UTC"
        );
        lock = ForeignLock { pid: None, application: None, user: None, since: None, locked: None };
        assert_eq!(lock.to_string(), "a lock, held by a prepared transaction");
    }
}
