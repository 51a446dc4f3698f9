//! Writing planned certificates: all at once, or each for itself when the database refuses some.
//!
//! Rows are locked in one order everywhere, so that no two workers wait for each other: the mappings of customers, then
//! of technicians, by old id, devices by id, customers by trade licence, certificates by number, or by legacy id where each
//! is written for itself.

mod each;
mod held;
mod insert;
mod part;
mod people;
mod people_rows;
mod refusal;

use std::collections::{HashMap, HashSet};

use certferry_certificate::{Issue, NewId, OldId, PeopleIds, Plan, Status, Warning};
use sqlx::PgConnection;

use crate::difference::Difference;
use crate::{Error, Uniqueness, Verdict};
pub use each::write_each;
pub use held::held_by_others;
use people::People;
pub use refusal::number_taken;

/// A certificate that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The legacy id.
    pub id: OldId,
    /// The new certificate.
    pub new_certificate_id: NewId,
    /// Its vehicle, if it has one.
    pub new_vehicle_id: Option<NewId>,
    /// Its customer and technicians.
    pub people: PeopleIds,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

impl From<Written> for Verdict {
    fn from(row: Written) -> Self {
        let Written { new_certificate_id, new_vehicle_id, warnings, .. } = row;
        Self::Migrated { new_certificate_id, new_vehicle_id, warnings }
    }
}

/// A certificate that the database refused. Nothing of it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The legacy id.
    pub id: OldId,
    /// Why; a transient code means that trying again may help.
    pub issue: Issue,
    /// Whether it only waited in vain for a lock that another session holds.
    pub waits_for_lock: bool,
}

/// What became of plans that were to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// Those that were written.
    pub written: Vec<Written>,
    /// Those that were refused.
    pub refused: Vec<Refused>,
    /// Whether the database refused something, a certificate or a vehicle, that only writing it could show.
    pub is_surprised: bool,
}

/// Writes all plans, by one statement where nobody has to be created.
///
/// Of plans with one certificate number the one with the lowest legacy id is written. An error means that the database
/// refused something: roll back and use [`write_each`], which finds out what.
pub async fn write_all(
    connection: &mut PgConnection,
    plans: &[&Plan],
    uniqueness: &Uniqueness,
) -> Result<Writing, Error> {
    let (mut first, duplicates) = first_of_each_number(plans);
    let mut refused: Vec<Refused> = duplicates.iter().map(|plan| refusal::number_taken(plan, None)).collect();
    lock_what_no_index_protects(connection, &first, uniqueness).await?;
    if !uniqueness.of_certificate_numbers() {
        // Others may have written some until the lock was had.
        refused.extend(remove_taken(connection, &mut first).await?);
    }
    let people = People::reserve(connection, &first).await?;
    let mut devices = devices_to_block(&first);
    if !people.are_known() {
        // Devices are locked before customers are created.
        block_devices(connection, &std::mem::take(&mut devices)).await?;
    }
    let resolved = people::resolve(connection, &first, &people, uniqueness).await?;
    let written = insert::all(connection, &first, &resolved, &devices).await?;
    if !lock_devices(connection, &first).await?.is_empty() {
        // Writing each for itself says whose it is that a trigger, a rule or a view does not let be blocked.
        return Err(Error::difference("block devices", Difference::Dropped { table: "devices" }));
    }
    Ok(Writing { written, refused, is_surprised: false })
}

fn first_of_each_number<'a>(plans: &[&'a Plan]) -> (Vec<&'a Plan>, Vec<&'a Plan>) {
    let mut sorted = plans.to_vec();
    sorted.sort_unstable_by_key(|plan| plan.id);
    let mut numbers = HashSet::new();
    sorted.into_iter().partition(|plan| numbers.insert(plan.certificate_number.as_str()))
}

/// Locks certificate numbers, and trade licences where customers may be created with one, unless the destination has a
/// unique index on them.
async fn lock_what_no_index_protects(
    connection: &mut PgConnection,
    plans: &[&Plan],
    uniqueness: &Uniqueness,
) -> Result<(), Error> {
    if plans.is_empty() {
        return Ok(());
    }
    uniqueness.lock(connection, plans.iter().any(|plan| people::may_create_licensed_customer(plan))).await
}

/// Takes away the plans whose certificate number the destination has already.
async fn remove_taken(connection: &mut PgConnection, plans: &mut Vec<&Plan>) -> Result<Vec<Refused>, Error> {
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<&str> = plans.iter().map(|plan| plan.certificate_number.as_str()).collect();
    let rows = sqlx::query_file!("queries/taken_numbers.sql", &numbers as _)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("look up certificate numbers", error))?;
    let taken: HashMap<String, NewId> = rows.into_iter().map(|row| (row.certificate_number, NewId(row.id))).collect();
    let holder = |plan: &Plan| taken.get(&plan.certificate_number).copied();
    let refused = plans.iter().filter_map(|plan| Some(number_taken(plan, Some(holder(plan)?)))).collect();
    plans.retain(|plan| holder(plan).is_none());
    Ok(refused)
}

/// Blocks the devices of blocked certificates; never unblocks one. `rules.md`, One certificate.
async fn block_devices(connection: &mut PgConnection, devices: &[i64]) -> Result<(), Error> {
    if devices.is_empty() {
        return Ok(());
    }
    let block = sqlx::query_file!("queries/block_devices.sql", devices).execute(connection);
    block.await.map(drop).map_err(|error| Error::new("block devices", error))
}

/// Notes which of these devices, none of which was blocked before, this transaction has blocked.
async fn note_blocked(connection: &mut PgConnection, devices: &[i64]) -> Result<(), Error> {
    if devices.is_empty() {
        return Ok(());
    }
    let noting = sqlx::query_file!("queries/note_blocked.sql", devices).execute(connection);
    noting.await.map(drop).map_err(|error| Error::new("note which devices are blocked", error))
}

/// Locks the devices that [`block_devices`] will block, in order, for plans that are written in parts. Returns those
/// that are not blocked yet.
async fn lock_devices(connection: &mut PgConnection, plans: &[&Plan]) -> Result<Vec<i64>, Error> {
    let blocked = devices_to_block(plans);
    if blocked.is_empty() {
        return Ok(Vec::new());
    }
    let lock = sqlx::query_file!("queries/lock_devices.sql", &blocked).fetch_all(connection);
    let rows = lock.await.map_err(|error| Error::new("lock devices", error))?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

fn devices_to_block(plans: &[&Plan]) -> Vec<i64> {
    plans.iter().filter(|plan| plan.status == Status::Blocked).map(|plan| plan.device_id.0).collect()
}
