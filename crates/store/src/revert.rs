//! Taking migrated certificates back. `rules.md`, Afterwards.

use std::collections::{BTreeMap, BTreeSet};

use certferry_certificate::{Evidence, NewId, OldId, PersonColumns, State, Status, StoredCertificate, person_evidence};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::Error;
use crate::history::keep_history;
use crate::standing::standing;

/// A migrated certificate, and why it cannot be taken back if it cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revertible {
    /// The legacy id.
    pub id: OldId,
    /// The certificate of the destination.
    pub new_certificate_id: NewId,
    /// Its vehicle, if it has one.
    pub new_vehicle_id: Option<NewId>,
    /// The device it names, whether it blocks it, its customer and its technicians.
    pub named: Named,
    /// What stands in the way.
    pub blocked_by: Option<String>,
}

/// Whom and what a certificate of the destination names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The device, where the certificate is blocked.
    pub blocked_device: Option<i64>,
    /// The customer.
    pub customer: Option<i64>,
    /// The technicians.
    pub technicians: Vec<i64>,
}

/// A column of another table whose foreign key leads to a table of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Referrer {
    /// Both quoted as SQL needs them.
    table: String,
    column: String,
}

async fn referrers(connection: &mut PgConnection, table: &str) -> Result<Vec<Referrer>, Error> {
    let rows = sqlx::query_file!("queries/references.sql", table)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("look what refers to certificates", error))?;
    Ok(rows.into_iter().map(|row| Referrer { table: row.table_name, column: row.column_name }).collect())
}

/// Those of the ids that rows of other tables refer to, with the table that does.
async fn referred_to(connection: &mut PgConnection, table: &str, ids: &[i64]) -> Result<BTreeMap<i64, String>, Error> {
    let mut referred = BTreeMap::new();
    for Referrer { table, column } in referrers(connection, table).await? {
        let sql = format!("SELECT DISTINCT {column} AS id FROM {table} WHERE {column} = ANY($1::bigint[])");
        let found: Vec<i64> =
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(&mut *connection).await.map_err(|error| {
                Error::new(format!("look whether {table} refers to what is to be taken back"), error)
            })?;
        for id in found {
            referred.entry(id).or_insert_with(|| format!("{table} ({column})"));
        }
    }
    Ok(referred)
}

/// The migrated ones of these certificates as the destination has them now, in the order of their ids. Whoever means to take
/// them back has locked their status rows.
pub async fn revertible(connection: &mut PgConnection, certificates: &[OldId]) -> Result<Vec<Revertible>, Error> {
    let ids: Vec<i64> = certificates.iter().map(|id| id.0).collect();
    let standing = standing(connection, certificates).await?;
    let migrated = certificates.iter().filter_map(|id| {
        let (recorded, present) = standing.get(id)?;
        let new_id = recorded.new_certificate_id.filter(|_| recorded.state == State::Migrated)?;
        Some((*id, new_id, recorded, present))
    });
    let migrated: Vec<_> = migrated.collect();
    let new_ids: Vec<i64> = migrated.iter().map(|(_, new_id, ..)| new_id.0).collect();
    let vehicle_ids: Vec<i64> =
        migrated.iter().filter_map(|(_, _, recorded, _)| recorded.new_vehicle_id).map(|id| id.0).collect();
    let to_certificates = referred_to(connection, "certificates", &new_ids).await?;
    let to_vehicles = referred_to(connection, "vehicles", &vehicle_ids).await?;
    let other_vehicles: BTreeSet<i64> = sqlx::query_file_scalar!("queries/revert_other_vehicles.sql", &ids)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| Error::new("look for other vehicles", error))?
        .into_iter()
        .collect();
    let mut revertible = Vec::with_capacity(migrated.len());
    for (id, new_id, recorded, present) in migrated {
        let vehicle = recorded.new_vehicle_id;
        let referrer =
            to_certificates.get(&new_id.0).or_else(|| vehicle.and_then(|vehicle| to_vehicles.get(&vehicle.0)));
        let evidence = recorded.evidence.as_deref().and_then(Evidence::parse);
        let blocked_by = if let Some(stored) = &present.certificate {
            // A vehicle that belongs to another certificate by now is not its own any more.
            let is_own = vehicle.is_none() || present.vehicle_of == Some(new_id.0);
            let stored = StoredCertificate { vehicle: stored.vehicle.clone().filter(|_| is_own), ..stored.clone() };
            match evidence.and_then(|evidence| evidence.changed(&stored)) {
                None => Some(
                    "nothing was kept of what was written: it was imported, or migrated by an older version".to_owned(),
                ),
                Some(changed) if !changed.is_empty() => Some(format!("it was changed since: {}", changed.join(", "))),
                Some(_) if other_vehicles.contains(&id.0) => {
                    Some("it has a vehicle that was not migrated with it".to_owned())
                }
                Some(_) => referrer.map(|table| format!("rows of {table} refer to it")),
            }
        } else {
            Some("it is gone from the destination".to_owned())
        };
        let stored = present.certificate.as_ref();
        let technicians = stored.map(|it| [it.calibration_technician_id, it.installation_technician_id]);
        revertible.push(Revertible {
            id,
            new_certificate_id: new_id,
            new_vehicle_id: vehicle,
            named: Named {
                blocked_device: stored
                    .filter(|stored| stored.status.as_deref() == Some(Status::Blocked.as_str()))
                    .and_then(|stored| stored.device_id),
                customer: stored.and_then(|stored| stored.customer_id),
                technicians: technicians.into_iter().flatten().flatten().collect(),
            },
            blocked_by,
        });
    }
    Ok(revertible)
}

/// Locks what the destination has of these certificates, so that what [`revertible`] finds stays true until the end of the
/// transaction: nobody changes a row, or inserts one that refers to it.
pub async fn lock_to_revert(connection: &mut PgConnection, certificates: &[Revertible]) -> Result<(), Error> {
    let failed = |error| Error::new("lock what is to be taken back", error);
    let new_ids: Vec<i64> = certificates.iter().map(|certificate| certificate.new_certificate_id.0).collect();
    let vehicles: Vec<i64> = certificates.iter().filter_map(|it| it.new_vehicle_id).map(|id| id.0).collect();
    let locking = sqlx::query_file!("queries/revert_lock_certificates.sql", &new_ids).fetch_all(&mut *connection);
    locking.await.map_err(failed)?;
    let locking = sqlx::query_file!("queries/revert_lock_vehicles.sql", &vehicles).fetch_all(connection);
    locking.await.map(drop).map_err(failed)
}

/// Takes certificates back: their vehicles and they themselves go from the destination, devices that this migration blocked for
/// them and that no other blocked certificate needs are free again. `by` is who decided it, `run` the run that does it.
pub async fn revert(
    connection: &mut PgConnection,
    certificates: &[Revertible],
    by: &str,
    run: i64,
) -> Result<(), Error> {
    if certificates.is_empty() {
        return Ok(());
    }
    let failed = |error| Error::new("take certificates back", error);
    let ids: Vec<i64> = certificates.iter().map(|certificate| certificate.id.0).collect();
    let new_ids: Vec<i64> = certificates.iter().map(|certificate| certificate.new_certificate_id.0).collect();
    let vehicles: Vec<i64> = certificates.iter().filter_map(|it| it.new_vehicle_id).map(|id| id.0).collect();
    let devices: BTreeSet<i64> = certificates.iter().filter_map(|it| it.named.blocked_device).collect();
    let devices: Vec<i64> = devices.into_iter().collect();
    keep_history(connection, &ids, false).await?;
    let deleted = sqlx::query_file!("queries/revert_vehicles.sql", &vehicles).execute(&mut *connection).await;
    expect_rows(deleted.map_err(failed)?.rows_affected(), vehicles.len(), "vehicles")?;
    let deleted = sqlx::query_file!("queries/revert_certificates.sql", &new_ids).execute(&mut *connection).await;
    expect_rows(deleted.map_err(failed)?.rows_affected(), new_ids.len(), "certificates")?;
    sqlx::query_file!("queries/revert_devices.sql", &devices).execute(&mut *connection).await.map_err(failed)?;
    sqlx::query_file!("queries/revert_status.sql", &ids, by).execute(&mut *connection).await.map_err(failed)?;
    let reverted = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    sqlx::query_file!("queries/revert_count.sql", run, reverted).execute(connection).await.map_err(failed)?;
    Ok(())
}

/// A trigger or a rule may keep rows: then nothing is taken back.
fn expect_rows(deleted: u64, wanted: usize, table: &str) -> Result<(), Error> {
    if deleted == wanted as u64 {
        return Ok(());
    }
    let why = format!("the destination deleted {deleted} of {wanted} rows of {table}; does a trigger keep them?");
    Err(Error::unexpected("take certificates back", why))
}

/// Customers and technicians that were taken back, and those that stay because they were changed or are referred to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevertedPeople {
    /// Those that are gone, with their mappings.
    pub reverted: u64,
    /// Those that stay.
    pub kept: u64,
}

/// Takes back those of these customers and technicians that the migration created, that nobody changed, and that nothing uses
/// any more.
pub async fn revert_people(
    connection: &mut PgConnection,
    customers: &BTreeSet<i64>,
    technicians: &BTreeSet<i64>,
) -> Result<RevertedPeople, Error> {
    let failed = |error| Error::new("take back customers and technicians", error);
    let customers: Vec<i64> = customers.iter().copied().collect();
    let technicians: Vec<i64> = technicians.iter().copied().collect();
    let locking = sqlx::query_file!("queries/revert_lock_customers.sql", &customers).fetch_all(&mut *connection);
    locking.await.map_err(failed)?;
    let locking = sqlx::query_file!("queries/revert_lock_technicians.sql", &technicians).fetch_all(&mut *connection);
    locking.await.map_err(failed)?;
    let rows = sqlx::query_file!("queries/revert_people.sql", &customers, &technicians)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    let (mut of_customers, mut of_technicians, mut people) = (Vec::new(), Vec::new(), RevertedPeople::default());
    for row in rows {
        let name = row.name.as_deref().unwrap_or_default();
        let (columns, ids) = if row.entity == "customer" {
            let (trade_license, email) = (row.trade_license.as_deref(), row.email.as_deref());
            let columns = PersonColumns::Customer { name, trade_license, email, phone: row.phone.as_deref() };
            (columns, &mut of_customers)
        } else {
            let user_id = NewId(row.user_id.unwrap_or_default());
            (PersonColumns::Technician { user_id, name, phone: row.phone.as_deref() }, &mut of_technicians)
        };
        if row.evidence.is_some_and(|evidence| evidence == person_evidence(&columns)) {
            ids.push(row.new_id);
        } else {
            people.kept += 1;
        }
    }
    for (entity, table, mut ids) in
        [("customer", "customers", of_customers), ("technician", "technicians", of_technicians)]
    {
        let referred = referred_to(connection, table, &ids).await?;
        people.kept += ids.iter().filter(|id| referred.contains_key(*id)).count() as u64;
        ids.retain(|id| !referred.contains_key(id));
        let deleted = if entity == "customer" {
            sqlx::query_file!("queries/revert_customers.sql", &ids).execute(&mut *connection).await.map_err(failed)?
        } else {
            sqlx::query_file!("queries/revert_technicians.sql", &ids).execute(&mut *connection).await.map_err(failed)?
        };
        expect_rows(deleted.rows_affected(), ids.len(), table)?;
        sqlx::query_file!("queries/revert_mappings.sql", entity, &ids)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        people.reverted += ids.len() as u64;
    }
    Ok(people)
}
