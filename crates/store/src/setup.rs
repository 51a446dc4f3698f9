use std::collections::HashSet;

use sqlx::{AssertSqlSafe, Executor};

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

/// The advisory lock of those who migrate behind a pooler.
const MIGRATING: i64 = 0x6365_7274_6665_7272;

/// Creates or upgrades schema `certferry`; safe to repeat and to run while workers run.
pub async fn migrate(database: &Database) -> Result<(), Error> {
    let doing = "create or upgrade schema certferry";
    let mut migrator = sqlx::migrate!("./migrations");
    // What a later version has added is none of our business. Behind a pooler a session's own lock would outlive us.
    migrator.set_ignore_missing(true).set_locking(!database.is_pooled());
    let mut session = database.session().await?;
    let migrating = async {
        if database.is_pooled() {
            sqlx::query!("SELECT pg_advisory_xact_lock($1) AS locked", MIGRATING).execute(&mut *session).await?;
        }
        // `run` asks more of its connection than one that is borrowed across an await has.
        migrator.run_direct(None, &mut *session, false).await?;
        sqlx::query_file!("queries/grant_alike.sql").execute(&mut *session).await?;
        Ok(())
    };
    if let Err(error) = migrating.await {
        // With its lock.
        session.discard();
        return Err(Error::new(doing, error));
    }
    session.end().await.map_err(|error| Error::new(doing, error))
}

/// Creates the tables of `destination.sql` that a new destination has, unless they are already there: all or none. They
/// come into the destination's schema, which is created too.
///
/// Returns whether it created them.
pub async fn create_reference_destination(database: &Database) -> Result<bool, Error> {
    let missing = missing_from_destination(database).await?;
    if missing.is_empty() {
        return Ok(false);
    }
    let mut transaction = database.begin().await?;
    let doing = "create the destination's schema";
    let schema = database.destination_schema();
    let there =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS "there!""#, schema)
            .fetch_one(&mut *transaction)
            .await
            .map_err(|error| Error::new(doing, error))?;
    let quoted = certferry_connection::quoted(schema);
    // Asking for a schema that is there takes the right to create one all the same.
    let create = if there { String::new() } else { format!("CREATE SCHEMA {quoted};") };
    // In this schema and no other, whatever else the connection looks into.
    let statements = format!("{create} SET LOCAL search_path = {quoted}");
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut *transaction)
        .await
        .map_err(|error| Error::new(doing, error))?;
    transaction
        .execute(include_str!("../reference/destination.sql"))
        .await
        .map_err(|error| Error::new("create the reference destination", error))?;
    transaction.commit().await?;
    Ok(true)
}

/// The tables and columns of the contract that the destination lacks, as `table` or `table.column`, and the type of its
/// certificates' status. A view counts as a table.
pub async fn missing_from_destination(database: &Database) -> Result<Vec<String>, Error> {
    let rows = sqlx::query_file!("queries/columns.sql", database.destination_schema())
        .fetch_all(&mut *database.session().await?)
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
    let has_states = sqlx::query_scalar!(r#"SELECT to_regtype('certificate_state') IS NOT NULL AS "there!""#)
        .fetch_one(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new("read the destination's catalog", error))?;
    if tables.contains("certificates") && !has_states {
        missing.push("the type certificate_state".to_owned());
    }
    Ok(missing)
}

/// Fails unless [`migrate`] of this version has been run.
pub async fn ensure_ready(database: &Database) -> Result<(), Error> {
    // The newest of each migration. One after the other: to join so many tables takes the server a quarter of a second to plan,
    // which each command would wait for.
    sqlx::query!(
        "SELECT FROM certferry.certificate_status WHERE 'certferry.write_in_turn'::regproc IS NULL
         UNION ALL SELECT FROM certferry.pause WHERE FALSE
         UNION ALL SELECT FROM certferry.waiting WHERE FALSE
         UNION ALL SELECT FROM certferry.producer_at_work WHERE FALSE
         UNION ALL SELECT FROM certferry.manifest WHERE FALSE
         UNION ALL SELECT FROM certferry.history WHERE FALSE
         UNION ALL SELECT FROM certferry.run WHERE FALSE
         UNION ALL SELECT FROM certferry.tally WHERE FALSE
         UNION ALL SELECT FROM certferry.rate_limit WHERE FALSE
         UNION ALL SELECT FROM certferry.blocked_device WHERE FALSE
         UNION ALL SELECT FROM certferry.forecast WHERE FALSE"
    )
    .fetch_optional(&mut *database.session().await?)
    .await
    .map(drop)
    .map_err(|error| Error::new("read the status table and what belongs to it", error))
}
