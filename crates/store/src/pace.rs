use sqlx::PgConnection;

use crate::Error;

/// Certificates a second that workers finished (migrated or failed) within the last minute; 0 when there were none.
pub async fn rate_per_second(connection: &mut PgConnection) -> Result<f64, Error> {
    let row = sqlx::query_file!("queries/pace.sql")
        .fetch_one(connection)
        .await
        .map_err(|error| Error::new("measure the rate", error))?;
    let seconds = row.seconds.unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
    let finished = row.finished as f64;
    Ok(if seconds > 0.0 { finished / seconds } else { 0.0 })
}

/// Certificates that workers finished (migrated or failed) in each of the last `stretches` stretches of so many seconds, the
/// oldest first.
pub async fn finished_lately(connection: &mut PgConnection, seconds: u32, stretches: u16) -> Result<Vec<u64>, Error> {
    let rows = sqlx::query_file!("queries/finished_lately.sql", f64::from(seconds), i32::from(stretches))
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("measure the rate", error))?;
    let mut finished = vec![0; usize::from(stretches)];
    for row in rows {
        let at = usize::try_from(row.stretch).ok().and_then(|stretch| usize::from(stretches).checked_sub(stretch + 1));
        if let Some(finished) = at.and_then(|at| finished.get_mut(at)) {
            *finished = u64::try_from(row.certificates).unwrap_or_default();
        }
    }
    Ok(finished)
}
