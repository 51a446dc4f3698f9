use std::collections::HashMap;

use certferry_certificate::{Found, Limits, Lookups, Mapped, NewId, OldId};
use sqlx::PgConnection;

use crate::tables::WrongSchema;
use crate::uniqueness::{Uniqueness, uniqueness};
use crate::{Database, Error};

/// The keys a batch names: what [`lookups`] reads. No key twice.
#[derive(Clone, Debug, Default)]
pub struct Needed {
    /// Trimmed ECU numbers.
    pub ecu_numbers: Vec<String>,
    /// Legacy users.
    pub users: Vec<i64>,
    /// Legacy customers.
    pub customers: Vec<i64>,
    /// Legacy technicians.
    pub technicians: Vec<i64>,
    /// Trimmed certificate numbers.
    pub certificate_numbers: Vec<String>,
    /// Trimmed trade licences of legacy customers that are not mapped.
    pub trade_licenses: Vec<String>,
}

/// What a process has read of the destination's catalog when it began.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// How long the destination's text columns may be.
    pub limits: Limits,
    schema: String,
    uniqueness: Uniqueness,
}

/// Reads what batches rely on from the destination's catalog.
pub async fn catalog(database: &Database) -> Result<Catalog, Error> {
    let schema = database.destination_schema().to_owned();
    let limits = limits(&mut *database.session().await?, &schema).await?;
    Ok(Catalog { limits, schema, uniqueness: uniqueness(database).await? })
}

impl Catalog {
    /// The limits as they are now: a column may have been widened since.
    pub async fn limits_now(&self, connection: &mut PgConnection) -> Result<Limits, Error> {
        limits(connection, &self.schema).await
    }
}

/// What [`lookups`] found.
#[derive(Clone, Debug)]
pub struct LookedUp {
    /// Devices and mappings.
    pub found: Lookups,
    /// The certificate numbers that are taken, and by which certificate.
    pub taken: HashMap<String, NewId>,
    /// Which of the unique indexes are still there.
    pub uniqueness: Uniqueness,
}

/// Reads devices, mappings, customers by trade licence and the certificate numbers that are already taken in one round trip. The legacy customers and
/// technicians, and the limits, are the caller's to add.
pub async fn lookups(database: &Database, needed: &Needed, catalog: &Catalog) -> Result<LookedUp, Error> {
    lookups_within(&mut *database.session().await?, needed, catalog).await
}

/// The same on a connection that is there already.
pub async fn lookups_within(
    connection: &mut PgConnection,
    needed: &Needed,
    catalog: &Catalog,
) -> Result<LookedUp, Error> {
    let doing = "look up devices and mappings";
    let rows = sqlx::query_file!(
        "queries/lookups.sql",
        &needed.ecu_numbers,
        &needed.users,
        &needed.customers,
        &needed.technicians,
        &needed.certificate_numbers,
        &needed.trade_licenses,
        &catalog.schema,
        &catalog.uniqueness.relied_on(),
    )
    .fetch_all(connection)
    .await
    .map_err(|error| Error::new(doing, error))?;

    let mut found = Lookups::default();
    let mut taken = HashMap::new();
    let (mut elsewhere, mut lost) = (Vec::new(), Vec::new());
    for row in rows {
        let new_id = NewId(row.new_id);
        let in_destination = if row.rows == 1 { Found::One(new_id) } else { Found::Several };
        match (row.entity.as_str(), row.key, row.old_id) {
            ("device", Some(ecu_number), _) => drop(found.devices.insert(ecu_number, in_destination)),
            ("trade_license", Some(trade_license), _) => {
                found.customers_by_trade_license.insert(trade_license, in_destination);
            }
            ("certificate", Some(number), _) => drop(taken.insert(number, new_id)),
            ("elsewhere", Some(table), _) => elsewhere.push(table),
            ("lost index", ..) => lost.push(row.new_id),
            (entity, _, Some(old_id)) => {
                let mapped = Mapped { new_id, exists: row.row_exists };
                let mapping = match entity {
                    "user" => &mut found.users,
                    "customer" => &mut found.customers,
                    _ => &mut found.technicians,
                };
                mapping.insert(OldId(old_id), mapped);
            }
            _ => {}
        }
    }
    if !elsewhere.is_empty() {
        return Err(Error::unavailable(doing, WrongSchema::since(&catalog.schema, &elsewhere)));
    }
    Ok(LookedUp { found, taken, uniqueness: catalog.uniqueness.without(&lost) })
}

/// How long the destination's text columns may be, from its catalog.
async fn limits(connection: &mut PgConnection, schema: &str) -> Result<Limits, Error> {
    let tables = ["certificates", "vehicles", "customers", "technicians"].map(str::to_owned);
    let rows = sqlx::query_file!("queries/limits.sql", schema, &tables)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("read the destination's column limits", error))?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.table_name, row.column_name, usize::try_from(row.length).ok()?)))
        .collect())
}
