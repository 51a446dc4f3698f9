//! Writing planned certificates: all at once, or each for itself when the database refuses some.
//!
//! Rows are locked in one order everywhere, so that no two workers wait for each other: the mappings of customers, then
//! of technicians, by old id, devices by id, customers by trade licence, certificates by number, or by legacy id where each
//! is written for itself.

mod each;
mod insert;
mod part;
mod people;
mod refusal;

use std::collections::HashSet;

use certferry_certificate::{Issue, NewId, OldId, Plan, Status, Warning};
use sqlx::PgConnection;

use crate::Error;
pub use each::write_each;
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
    /// What was left out.
    pub warnings: Vec<Warning>,
}

/// A certificate that the database refused. Nothing of it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The legacy id.
    pub id: OldId,
    /// Why; a transient code means that trying again may help.
    pub issue: Issue,
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
pub async fn write_all(connection: &mut PgConnection, plans: &[&Plan]) -> Result<Writing, Error> {
    let (first, duplicates) = first_of_each_number(plans);
    let people = People::reserve(connection, &first).await?;
    let mut devices = devices_to_block(&first);
    if !people.are_known() {
        // Devices are locked before customers are created.
        block_devices(connection, &std::mem::take(&mut devices)).await?;
    }
    let resolved = people::resolve(connection, &first, &people).await?;
    let written = insert::all(connection, &first, &resolved, &devices).await?;
    let refused = duplicates.iter().map(|plan| refusal::number_taken(plan, None)).collect();
    Ok(Writing { written, refused, is_surprised: false })
}

fn first_of_each_number<'a>(plans: &[&'a Plan]) -> (Vec<&'a Plan>, Vec<&'a Plan>) {
    let mut sorted = plans.to_vec();
    sorted.sort_unstable_by_key(|plan| plan.id);
    let mut numbers = HashSet::new();
    sorted.into_iter().partition(|plan| numbers.insert(plan.certificate_number.as_str()))
}

/// Blocks the devices of blocked certificates; never unblocks one. `rules.md`, One certificate.
async fn block_devices(connection: &mut PgConnection, devices: &[i64]) -> Result<(), Error> {
    if devices.is_empty() {
        return Ok(());
    }
    let block = sqlx::query_file!("queries/block_devices.sql", devices).execute(connection);
    block.await.map(drop).map_err(|error| Error::new("block devices", error))
}

/// Locks the devices that [`block_devices`] will block, in order, for plans that are written in parts.
async fn lock_devices(connection: &mut PgConnection, plans: &[&Plan]) -> Result<(), Error> {
    let blocked = devices_to_block(plans);
    if blocked.is_empty() {
        return Ok(());
    }
    let lock = sqlx::query_file!("queries/lock_devices.sql", &blocked).fetch_all(connection);
    lock.await.map(drop).map_err(|error| Error::new("lock devices", error))
}

fn devices_to_block(plans: &[&Plan]) -> Vec<i64> {
    plans.iter().filter(|plan| plan.status == Status::Blocked).map(|plan| plan.device_id.0).collect()
}
