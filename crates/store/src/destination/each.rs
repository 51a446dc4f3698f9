//! Writing plans in a transaction that is to commit whatever the database refuses.

use std::time::Duration;

use certferry_certificate::{Code, Plan};
use sqlx::{Connection, PgConnection};

use super::part::write_part;
use super::people::People;
use super::refusal::Refusal;
use super::{Writing, lock_devices, lock_what_no_index_protects, note_blocked, remove_taken};
use crate::database::limit_lock_waits;
use crate::{Error, Uniqueness};

/// How long each step waits for a lock while halving looks for whoever needs it.
const WHILE_HALVING: Duration = Duration::from_millis(20);

/// Writes every plan that the database accepts, and says why it refuses the others. In the order of legacy ids, as if
/// each plan were a transaction of its own.
///
/// An error means that the database went away, or that this transaction waited for one that waited for it; not that it
/// refused something.
pub async fn write_each(
    connection: &mut PgConnection,
    plans: &[&Plan],
    uniqueness: &Uniqueness,
) -> Result<Writing, Error> {
    let mut sorted = plans.to_vec();
    sorted.sort_unstable_by_key(|plan| plan.id);
    lock_what_no_index_protects(connection, &sorted, uniqueness).await?;
    let mut people = People::reserve(connection, &sorted).await?;
    let unblocked = lock_devices(connection, &sorted).await?;
    let mut writing = Writing::default();
    let mut parts = vec![sorted];
    while let Some(mut part) = parts.pop() {
        // Before anybody is created for them.
        writing.refused.extend(remove_taken(connection, &mut part).await?);
        let mut savepoint = begin_savepoint(connection).await?;
        match write_part(&mut savepoint, &part, &people, uniqueness).await {
            Ok(done) if done.without.is_empty() => {
                savepoint.commit().await.map_err(|error| Error::new("release a savepoint", error))?;
                people.know(done.resolved);
                writing.is_surprised |= done.writing.is_surprised;
                writing.written.extend(done.writing.written);
                writing.refused.extend(done.writing.refused);
            }
            Ok(done) => {
                undo(savepoint).await?;
                writing.is_surprised |= done.writing.is_surprised;
                part.retain(|plan| done.without.iter().all(|refused| refused.id != plan.id));
                writing.refused.extend(done.without);
                parts.push(part);
            }
            // Who waits for whom, and whom somebody cancels, is not this part's fault, and what the others hold stays held until the end.
            Err(error)
                if error.is_outage()
                    || error.is_misfit()
                    || error.is_cancelled_by_request()
                    || error.code() == Code::Deadlock =>
            {
                return Err(error);
            }
            // A customer, a technician or a device: whose, is found by halving.
            Err(error) => {
                undo(savepoint).await?;
                writing.is_surprised = true;
                if error.is_lock_timeout() {
                    limit_lock_waits(connection, WHILE_HALVING).await?;
                }
                if let [plan] = part.as_slice() {
                    writing.refused.push(Refusal::from(&error).of(plan));
                } else {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                }
            }
        }
    }
    note_blocked(connection, &unblocked).await?;
    people.release(connection).await?;
    Ok(writing)
}

async fn begin_savepoint(connection: &mut PgConnection) -> Result<sqlx::Transaction<'_, sqlx::Postgres>, Error> {
    connection.begin().await.map_err(|error| Error::new("set a savepoint", error))
}

async fn undo(savepoint: sqlx::Transaction<'_, sqlx::Postgres>) -> Result<(), Error> {
    savepoint.rollback().await.map_err(|error| Error::new("roll back to a savepoint", error))
}
