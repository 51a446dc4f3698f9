//! Certificates that cannot be written now, because somebody else holds a row that they are to refer to.

use std::collections::HashSet;

use certferry_certificate::{Code, CustomerPlan, Issue, Plan, TechnicianPlan};
use sqlx::{Connection, PgConnection};

use super::Refused;
use crate::Error;

/// The rows of the destination that a plan refers to, by table.
fn parents(plan: &Plan) -> impl Iterator<Item = (&'static str, i64)> {
    let customer = match &plan.customer {
        CustomerPlan::Existing(id) | CustomerPlan::Matched { new_id: id, .. } => Some(("customers", id.0)),
        CustomerPlan::MatchOrCreate(_) => None,
    };
    let technicians = [&plan.calibration_technician, &plan.installation_technician].into_iter().flatten();
    let technicians = technicians.map(|technician| match technician {
        TechnicianPlan::Existing(id) => ("technicians", id.0),
        TechnicianPlan::Create(technician) => ("users", technician.user_id.0),
    });
    [("users", plan.user_id.0), ("devices", plan.device_id.0)].into_iter().chain(customer).chain(technicians)
}

/// Finds the plans that would have to wait for a lock of somebody else, without waiting for one. To be asked before
/// [`super::write_each`] where locks are known to be held, so that each of them costs the others nothing.
pub async fn held_by_others(connection: &mut PgConnection, plans: &[&Plan]) -> Result<Vec<Refused>, Error> {
    let doing = "look for rows that others hold";
    let ids = |table: &str| {
        let of_table = plans.iter().flat_map(|plan| parents(plan)).filter(|(name, _)| *name == table);
        of_table.map(|(_, id)| id).collect::<HashSet<i64>>().into_iter().collect::<Vec<i64>>()
    };
    let (users, customers) = (ids("users"), ids("customers"));
    let (technicians, devices) = (ids("technicians"), ids("devices"));
    let mut savepoint = connection.begin().await.map_err(|error| Error::new(doing, error))?;
    let asking = sqlx::query_file!("queries/held_parents.sql", &users, &customers, &technicians, &devices);
    let held: HashSet<(String, i64)> = match asking.fetch_all(&mut *savepoint).await {
        Ok(rows) => {
            savepoint.commit().await.map_err(|error| Error::new(doing, error))?;
            rows.into_iter().map(|row| (row.table, row.id)).collect()
        }
        // A view whose rows cannot be locked, or a role that may not: then each certificate finds out for itself.
        Err(error) => {
            let error = Error::new(doing, error);
            if error.is_outage() {
                return Err(error);
            }
            savepoint.rollback().await.map_err(|error| Error::new(doing, error))?;
            return Ok(Vec::new());
        }
    };
    let waiting = plans.iter().filter_map(|plan| {
        let (table, _) = parents(plan).find(|(table, id)| held.contains(&((*table).to_owned(), *id)))?;
        let message = format!("another session holds a row of {table} that the certificate refers to");
        Some(Refused { id: plan.id, issue: Issue::new(Code::Timeout, None, message), waits_for_lock: true })
    });
    Ok(waiting.collect())
}
