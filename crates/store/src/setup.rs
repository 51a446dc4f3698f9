use std::collections::HashSet;

use sqlx::Executor;

use crate::{Database, Error};

/// The tables and columns of the contract: `destination.sql`.
const CONTRACT: &[(&str, &[&str])] = &[
    ("users", &["id"]),
    ("customers", &["id", "name", "trade_license", "email", "phone"]),
    ("technicians", &["id", "user_id", "name", "phone"]),
    ("devices", &["id", "ecu_number", "is_blocked"]),
    (
        "certificates",
        &[
            "id",
            "certificate_number",
            "device_id",
            "customer_id",
            "user_id",
            "calibration_technician_id",
            "installation_technician_id",
            "speed_limit_kmh",
            "status",
            "issued_at",
            "expires_at",
            "calibrated_at",
            "installed_at",
            "remarks",
        ],
    ),
    (
        "vehicles",
        &["id", "certificate_id", "brand", "model", "chassis_number", "registration_number", "is_new_registration"],
    ),
];

/// Creates or upgrades schema `certferry`; safe to repeat and to run while workers run.
pub async fn migrate(database: &Database) -> Result<(), Error> {
    sqlx::migrate!("./migrations")
        .run(database.pool())
        .await
        .map_err(|error| Error::new("create or upgrade schema certferry", error.into()))
}

/// Creates the tables of `destination.sql` that a new destination has, unless they are already there: all or none.
///
/// Returns whether it created them.
pub async fn create_reference_destination(database: &Database) -> Result<bool, Error> {
    let missing = missing_from_destination(database).await?;
    if missing.is_empty() {
        return Ok(false);
    }
    let mut transaction = database.begin().await?;
    transaction
        .execute(include_str!("../reference/destination.sql"))
        .await
        .map_err(|error| Error::new("create the reference destination", error))?;
    transaction.commit().await?;
    Ok(true)
}

/// The tables and columns of the contract that the destination lacks, as `table` or `table.column`.
pub async fn missing_from_destination(database: &Database) -> Result<Vec<String>, Error> {
    let rows = sqlx::query_file!("queries/columns.sql", database.destination_schema())
        .fetch_all(database.pool())
        .await
        .map_err(|error| Error::new("read the destination's catalog", error))?;
    let tables: HashSet<&str> = rows.iter().map(|row| row.table_name.as_str()).collect();
    let columns: HashSet<(&str, &str)> =
        rows.iter().map(|row| (row.table_name.as_str(), row.column_name.as_str())).collect();
    let mut missing = Vec::new();
    for (table, contract_columns) in CONTRACT {
        if tables.contains(table) {
            let absent = contract_columns.iter().filter(|column| !columns.contains(&(*table, **column)));
            missing.extend(absent.map(|column| format!("{table}.{column}")));
        } else {
            missing.push((*table).to_owned());
        }
    }
    Ok(missing)
}

/// Fails unless [`migrate`] has been run.
pub async fn ensure_ready(database: &Database) -> Result<(), Error> {
    sqlx::query!("SELECT FROM certferry.certificate_status WHERE FALSE")
        .fetch_optional(database.pool())
        .await
        .map(drop)
        .map_err(|error| Error::new("read the status table", error))
}
