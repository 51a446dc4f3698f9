//! What a migration was begun with: rows that say it, of which the last is in force.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::Error;

/// What is in force. What the values mean is the caller's business.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Since when, by the database's clock.
    pub recorded_at: DateTime<Utc>,
    /// Who recorded it.
    pub recorded_by: String,
    /// The destination.
    pub destination: Value,
    /// The legacy database; none until certificates are enqueued.
    pub source: Option<Value>,
    /// What decides outcomes; none until certificates are enqueued.
    pub rules: Option<Value>,
}

/// Has everybody else who wants to record a manifest wait until the end of the transaction.
pub async fn lock_manifest(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query_file!("queries/manifest_lock.sql")
        .fetch_one(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("lock the manifest", error))
}

/// The manifest in force, if one was recorded.
pub async fn manifest(connection: &mut PgConnection) -> Result<Option<Manifest>, Error> {
    sqlx::query_file_as!(Manifest, "queries/manifest.sql")
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::new("read the manifest", error))
}

/// Records a manifest, which is in force from then on; the others are kept.
pub async fn record_manifest(
    connection: &mut PgConnection,
    by: &str,
    destination: &Value,
    source: Option<&Value>,
    rules: Option<&Value>,
) -> Result<(), Error> {
    sqlx::query_file!("queries/record_manifest.sql", by, destination, source, rules)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("record the manifest", error))
}
