//! Finding the certificates to blame: split what is refused until they stand alone, and write everything else.

use std::collections::HashMap;

use certferry_certificate::{Code, NewId, Plan};
use sqlx::{Connection, PgConnection};

use super::insert::{self, Inserted, VehicleRow};
use super::people::{NewIds, People};
use super::{Refused, Writing, Written, block_devices, lock_devices, refusal, vehicles_of};
use crate::Error;

/// Writes every plan that the database accepts, and says why it refuses the others.
///
/// Parts that are refused are undone and halved, so that one bad certificate among n costs about 2·log2(n) more
/// statements. An error means that the database went away, or that this transaction waited for one that waited for it;
/// not that it refused something.
pub async fn write_each(connection: &mut PgConnection, plans: &[&Plan]) -> Result<Writing, Error> {
    let mut sorted = plans.to_vec();
    sorted.sort_unstable_by_key(|plan| plan.id);
    let mut people = People::reserve(connection, &sorted).await?;
    lock_devices(connection, &sorted).await?;
    let mut writing = Writing::default();
    let mut parts = vec![sorted.as_slice()];
    while let Some(part) = parts.pop() {
        let mut savepoint = begin_savepoint(connection).await?;
        match write_part(&mut savepoint, part, &people).await {
            Ok((done, customers, technicians)) => {
                savepoint.commit().await.map_err(|error| Error::new("release a savepoint", error))?;
                people.know(customers, technicians);
                writing.written.extend(done.written);
                writing.refused.extend(done.refused);
            }
            // Who waits for whom is not this part's fault, and what the others hold stays held until the end.
            Err(error) if error.is_outage() || error.code() == Code::Deadlock => return Err(error),
            Err(error) => {
                savepoint.rollback().await.map_err(|error| Error::new("roll back to a savepoint", error))?;
                if let [plan] = part {
                    writing.refused.push(refusal::refused(plan, &error));
                } else {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
            }
        }
    }
    people.release(connection).await?;
    Ok(writing)
}

async fn write_part(
    connection: &mut PgConnection,
    plans: &[&Plan],
    people: &People,
) -> Result<(Writing, NewIds, NewIds), Error> {
    let taken = taken_numbers(connection, plans).await?;
    let (refused, free): (Vec<&Plan>, Vec<&Plan>) =
        plans.iter().partition(|plan| taken.contains_key(&plan.certificate_number));
    let refused: Vec<Refused> = refused
        .into_iter()
        .map(|plan| refusal::number_taken(plan, taken.get(&plan.certificate_number).copied()))
        .collect();
    let Inserted { mut written, customers, technicians } = insert::certificates(connection, &free, people).await?;
    add_vehicles(connection, &vehicles_of(&free, &written), &mut written).await?;
    block_devices(connection, &free).await?;
    Ok((Writing { written, refused }, customers, technicians))
}

async fn taken_numbers(connection: &mut PgConnection, plans: &[&Plan]) -> Result<HashMap<String, NewId>, Error> {
    let numbers: Vec<&str> = plans.iter().map(|plan| plan.certificate_number.as_str()).collect();
    let rows = sqlx::query_file!("queries/taken_numbers.sql", &numbers as _)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("look up certificate numbers", error))?;
    Ok(rows.into_iter().map(|row| (row.certificate_number, NewId(row.id))).collect())
}

/// Adds the vehicles that the database accepts; a refused one costs its certificate a warning and nothing else.
async fn add_vehicles(
    connection: &mut PgConnection,
    rows: &[VehicleRow<'_>],
    written: &mut [Written],
) -> Result<(), Error> {
    let mut places: HashMap<NewId, &mut Written> =
        written.iter_mut().map(|row| (row.new_certificate_id, row)).collect();
    let mut parts = vec![rows];
    while let Some(part) = parts.pop() {
        let mut savepoint = begin_savepoint(connection).await?;
        match insert::vehicles(&mut savepoint, part).await {
            Ok(vehicles) => {
                savepoint.commit().await.map_err(|error| Error::new("release a savepoint", error))?;
                for (certificate_id, vehicle_id) in vehicles {
                    if let Some(row) = places.get_mut(&certificate_id) {
                        row.new_vehicle_id = Some(vehicle_id);
                    }
                }
            }
            // A transient refusal is the certificate's to try again, not the vehicle's to lose.
            Err(error) if !error.code().is_permanent() => return Err(error),
            Err(error) => {
                savepoint.rollback().await.map_err(|error| Error::new("roll back to a savepoint", error))?;
                if let [row] = part {
                    if let Some(written) = places.get_mut(&row.certificate_id) {
                        written.warnings.push(refusal::vehicle_refused(&error));
                    }
                } else {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
            }
        }
    }
    Ok(())
}

async fn begin_savepoint(connection: &mut PgConnection) -> Result<sqlx::Transaction<'_, sqlx::Postgres>, Error> {
    connection.begin().await.map_err(|error| Error::new("set a savepoint", error))
}
