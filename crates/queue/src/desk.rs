//! A person's desk: it has the job of the certificate that the person looks at, so that workers leave it alone. Each function
//! works in the caller's transaction.
//!
//! A desk is a row of `apalis.workers` with a type of its own: nobody counts it as a worker, and the job of one that died goes
//! back without being charged, since a person who looks has begun nothing.

use std::time::Duration;

use certferry_certificate::OldId;
use sqlx::PgConnection;

use crate::job::QUEUE;
use crate::{Error, workers};

/// The type of a desk's row.
pub(crate) const DESK: &str = "certferry.desk.v1";

/// Who has the job of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This desk, from now on.
    Ours,
    /// A worker or another desk.
    Others,
    /// There is no job.
    Nobody,
}

/// A name for a desk, unique to this start of this process.
#[must_use]
pub fn new_desk() -> String {
    workers::new_name()
}

/// Says that a desk is there, by the server's clock; to be repeated within `orphan_after`, and before it takes anything.
pub async fn renew_desk(connection: &mut PgConnection, desk: &str) -> Result<(), Error> {
    sqlx::query_file!("queries/desk_seen.sql", desk, DESK)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("say that a person is at work", error))
}

/// Takes the job of a certificate for a desk, unless a worker or another desk has it that was seen within `orphan_after`.
pub async fn take(
    connection: &mut PgConnection,
    desk: &str,
    certificate: OldId,
    orphan_after: Duration,
) -> Result<Taken, Error> {
    let key = certificate.to_string();
    let jobs = sqlx::query_file_scalar!("queries/take.sql", QUEUE, key, desk, orphan_after.as_secs_f64())
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("take a job", error))?;
    Ok(match jobs.as_slice() {
        [] => Taken::Nobody,
        jobs if jobs.iter().all(|is_taken| *is_taken) => Taken::Ours,
        _ => Taken::Others,
    })
}

/// Gives back the job that a desk has, as it was.
pub async fn give_back(connection: &mut PgConnection, desk: &str) -> Result<(), Error> {
    sqlx::query_file!("queries/release_all.sql", desk)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("give a job back", error))
}

/// Removes the row of a desk that has given its job back.
pub async fn close_desk(connection: &mut PgConnection, desk: &str) -> Result<(), Error> {
    sqlx::query_file!("queries/deregister.sql", desk)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("say that a person has ended", error))
}

/// Gives back the jobs of desks that have not been seen for `orphan_after`, and forgets desks that died long ago.
pub(crate) async fn release_dead_desks(connection: &mut PgConnection, orphan_after: Duration) -> Result<(), Error> {
    let failed = |error| Error::new("give back the jobs of people who are gone", error);
    sqlx::query_file!("queries/release_dead_desks.sql", DESK, orphan_after.as_secs_f64())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query_file!("queries/forget_dead.sql", DESK).execute(connection).await.map(drop).map_err(failed)
}
