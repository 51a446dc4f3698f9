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
