//! What happens to jobs, each in the caller's transaction: this module alone decides it.

use std::time::Duration;

use certferry_certificate::OldId;
use certferry_connection::Connections;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::Error;
use crate::desk::release_dead_desks;
use crate::job::{QUEUE, decode, encode, new_id};
use crate::trace;

/// Pushes one job for each certificate and wakes the workers once, when the transaction commits.
///
/// `max_attempts` is for those who look at the queue; what becomes of a failing job is the worker's configuration.
pub async fn push(connection: &mut PgConnection, certificates: &[OldId], max_attempts: i32) -> Result<u64, Error> {
    let Some(first) = certificates.first() else { return Ok(0) };
    let NewJobs { ids, payloads, keys } = NewJobs::of(certificates);
    let sending = trace::sending(certificates.len());
    let metadata = trace::metadata_of(&sending);
    let pushed = sqlx::query_file!("queries/push.sql", QUEUE, &ids, &payloads, &keys, max_attempts, metadata)
        .execute(&mut *connection)
        .await
        .map_err(|error| Error::new("push jobs", error))?;
    notify(connection, *first).await?;
    Ok(pushed.rows_affected())
}

/// Those of the certificates, in order, that have no job which will ever run.
pub async fn without_job(connection: &mut PgConnection, certificates: &[OldId]) -> Result<Vec<OldId>, Error> {
    let keys: Vec<i64> = certificates.iter().map(|id| id.0).collect();
    let without = sqlx::query_file_scalar!("queries/without_job.sql", QUEUE, &keys)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("look for missing jobs", error))?;
    Ok(without.into_iter().map(OldId).collect())
}

/// Pushes a job for each certificate that has none, as [`push`] does, also where one that nobody claims any more has
/// its idempotency key. The caller has locked the status rows of the certificates, so that none of them is finished
/// meanwhile.
pub async fn restore(connection: &mut PgConnection, certificates: &[OldId], max_attempts: i32) -> Result<u64, Error> {
    let Some(first) = certificates.first() else { return Ok(0) };
    let NewJobs { ids, payloads, keys } = NewJobs::of(certificates);
    let sending = trace::sending(certificates.len());
    let metadata = trace::metadata_of(&sending);
    let restored = sqlx::query_file!("queries/restore.sql", QUEUE, &ids, &payloads, &keys, max_attempts, metadata)
        .execute(&mut *connection)
        .await
        .map_err(|error| Error::new("restore missing jobs", error))?;
    notify(connection, *first).await?;
    Ok(restored.rows_affected())
}

/// The columns of `push.sql` and `restore.sql`.
struct NewJobs {
    ids: Vec<String>,
    payloads: Vec<String>,
    keys: Vec<i64>,
}

impl NewJobs {
    fn of(certificates: &[OldId]) -> Self {
        Self {
            ids: certificates.iter().copied().map(new_id).collect(),
            payloads: certificates.iter().copied().map(encode).collect(),
            keys: certificates.iter().map(|id| id.0).collect(),
        }
    }
}

/// Wakes the workers once the transaction commits.
async fn notify(connection: &mut PgConnection, first: OldId) -> Result<(), Error> {
    sqlx::query_file!("queries/notify.sql", QUEUE, new_id(first))
        .fetch_one(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("wake the workers", error))
}

/// Counts the table anew, so that every process stops using the plans it made when the table was small or empty.
pub async fn analyze(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query_file!("queries/analyze.sql")
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("analyze the queue's table", error))
}

/// Ends jobs for good. Returns how many were still the worker's; the others are someone else's by now.
pub async fn complete(connection: &mut PgConnection, worker: &str, ids: &[String]) -> Result<u64, Error> {
    let completed = sqlx::query_file!("queries/complete.sql", ids, worker)
        .execute(connection)
        .await
        .map_err(|error| Error::new("complete jobs", error))?;
    Ok(completed.rows_affected())
}

/// Puts jobs back to be run again after a while; the run that ended counts as an attempt.
pub async fn postpone(connection: &mut PgConnection, worker: &str, delays: &[(String, Duration)]) -> Result<(), Error> {
    let ids: Vec<String> = delays.iter().map(|(id, _)| id.clone()).collect();
    let seconds: Vec<f64> = delays.iter().map(|(_, delay)| delay.as_secs_f64()).collect();
    sqlx::query_file!("queries/postpone.sql", &ids, &seconds, worker)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("postpone jobs", error))
}

/// Puts jobs back to be run again after a while; the run that ended counts for nothing.
pub async fn set_back(connection: &mut PgConnection, worker: &str, delays: &[(String, Duration)]) -> Result<(), Error> {
    if delays.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = delays.iter().map(|(id, _)| id.clone()).collect();
    let seconds: Vec<f64> = delays.iter().map(|(_, delay)| delay.as_secs_f64()).collect();
    sqlx::query_file!("queries/set_back.sql", &ids, &seconds, worker)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("set jobs back", error))
}

/// A job whose worker died; it is back in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// The queue's key of the job.
    pub id: String,
    /// The certificate to migrate.
    pub certificate_id: OldId,
    /// How many times it ran, the run that died included.
    pub attempts: i32,
    /// How many workers died with it.
    pub crashes: i32,
    /// When the run that died began.
    pub claimed_at: DateTime<Utc>,
    /// The worker that died.
    pub worker: Option<String>,
}

/// Puts the jobs of workers that have not been seen for `orphan_after` back into the queue. Those of people go back, too, but
/// are none of the orphans: nothing was begun with them.
pub async fn rescue(connection: &mut PgConnection, orphan_after: Duration) -> Result<Vec<Orphan>, Error> {
    let rows = sqlx::query_file!("queries/rescue.sql", QUEUE, orphan_after.as_secs_f64())
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| Error::new("rescue orphaned jobs", error))?;
    sqlx::query_file!("queries/forget_dead.sql", QUEUE)
        .execute(&mut *connection)
        .await
        .map_err(|error| Error::new("forget dead workers", error))?;
    release_dead_desks(connection, orphan_after).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let certificate_id = decode(&row.job).ok()?;
            Some(Orphan {
                id: row.id,
                certificate_id,
                attempts: row.attempts,
                crashes: row.crashes,
                claimed_at: row.claimed_at,
                worker: row.worker,
            })
        })
        .collect())
}

/// Gives back whatever jobs a worker still has; no attempt is charged.
pub(crate) async fn release_all(connections: &Connections, worker: &str) -> Result<(), Error> {
    let failed = |error| Error::new("give claimed jobs back", error);
    let mut session = connections.session().await.map_err(failed)?;
    sqlx::query_file!("queries/release_all.sql", worker).execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)
}

/// Removes the jobs of certificates that need none any more, whoever has them.
pub async fn remove(connection: &mut PgConnection, certificates: &[OldId]) -> Result<u64, Error> {
    let keys: Vec<String> = certificates.iter().map(OldId::to_string).collect();
    let removed = sqlx::query_file!("queries/remove.sql", QUEUE, &keys)
        .execute(connection)
        .await
        .map_err(|error| Error::new("remove jobs", error))?;
    Ok(removed.rows_affected())
}

/// Removes jobs by the queue's keys.
pub async fn remove_jobs(connection: &mut PgConnection, ids: &[String]) -> Result<(), Error> {
    sqlx::query_file!("queries/remove_jobs.sql", ids)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("remove jobs", error))
}
