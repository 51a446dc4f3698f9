//! What was said of a migration beforehand, kept to be shown beside the outcome.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use crate::Error;

/// A forecast that was kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// When, by the database's clock.
    pub recorded_at: DateTime<Utc>,
    /// Who had it kept.
    pub recorded_by: String,
    /// What it said. What the values mean is the caller's business.
    pub forecast: Value,
}

/// Keeps a forecast; earlier ones stay.
pub async fn record_forecast(connection: &mut PgConnection, by: &str, forecast: &Value) -> Result<(), Error> {
    sqlx::query_file!("queries/record_forecast.sql", by, forecast)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("keep the forecast", error))
}

/// The forecast that was kept last, if one was.
pub async fn forecast(connection: &mut PgConnection) -> Result<Option<Forecast>, Error> {
    sqlx::query_file_as!(Forecast, "queries/forecast.sql")
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::new("read the forecast", error))
}
