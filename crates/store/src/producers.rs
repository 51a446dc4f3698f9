//! Producers that are filling the queue just now.

use std::time::Duration;

use crate::{Database, Error};

/// Registers a producer that begins to fill the queue. Returns its number.
pub async fn register_producer(database: &Database, name: &str) -> Result<i64, Error> {
    let failed = |error| Error::new("register the producer", error);
    let mut session = database.session().await?;
    let id =
        sqlx::query_file_scalar!("queries/producer_begin.sql", name).fetch_one(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)?;
    Ok(id)
}

/// Says that a producer is still at work, by the server's clock.
pub async fn renew_producer(database: &Database, id: i64) -> Result<(), Error> {
    let failed = |error| Error::new("say that the producer is still at work", error);
    let mut session = database.session().await?;
    sqlx::query_file!("queries/producer_seen.sql", id).execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)
}

/// Says that a producer has ended its work.
pub async fn deregister_producer(database: &Database, id: i64) -> Result<(), Error> {
    let failed = |error| Error::new("say that the producer has ended", error);
    let mut session = database.session().await?;
    sqlx::query_file!("queries/producer_end.sql", id).execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)
}

/// Whether a producer was seen within `silent_after`.
pub async fn producers_at_work(database: &Database, silent_after: Duration) -> Result<bool, Error> {
    let failed = |error| Error::new("look for producers at work", error);
    let mut session = database.session().await?;
    let at_work = sqlx::query_file_scalar!("queries/producers_at_work.sql", silent_after.as_secs_f64())
        .fetch_one(&mut *session)
        .await
        .map_err(failed)?;
    session.end().await.map_err(failed)?;
    Ok(at_work)
}
