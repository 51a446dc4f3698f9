use std::collections::HashMap;

use certferry_certificate::{Code, NewId, Plan, Status, TechnicianPlan};
use sqlx::PgConnection;

use super::Written;
use super::people::Resolved;
use super::refusal::Refusal;
use crate::Error;
use crate::difference::Difference;

/// Asks for what is in a file of SQL, with the plans' values as its first 18 parameters: an array for each column of the
/// certificates, and of the vehicles.
macro_rules! query_with_plans {
    ($file:literal, $plans:expr, $resolved:expr $(, $more:expr)*) => {{
        let technician_id =
            |technician: &Option<TechnicianPlan>| $resolved.technician_id(technician.as_ref()).map(|id| id.0);
        macro_rules! column {
            (|$plan:ident| $value:expr) => {
                &$plans.iter().map(|$plan| $value).collect::<Vec<_>>()
            };
        }
        macro_rules! vehicle_column {
            (|$vehicle:ident| $value:expr) => {
                &$plans.iter().map(|plan| plan.vehicle.as_ref().map(|$vehicle| $value)).collect::<Vec<_>>()
            };
        }
        sqlx::query_file!(
            $file,
            column!(|plan| plan.certificate_number.as_str()) as _,
            column!(|plan| plan.device_id.0),
            column!(|plan| $resolved.customer_id(&plan.customer).0),
            column!(|plan| plan.user_id.0),
            column!(|plan| technician_id(&plan.calibration_technician)) as _,
            column!(|plan| technician_id(&plan.installation_technician)) as _,
            column!(|plan| plan.speed_limit_kmh),
            column!(|plan| plan.status.as_str()) as _,
            column!(|plan| plan.issued_at),
            column!(|plan| plan.expires_at) as _,
            column!(|plan| plan.calibrated_at) as _,
            column!(|plan| plan.installed_at) as _,
            column!(|plan| plan.remarks.as_deref()) as _,
            vehicle_column!(|vehicle| vehicle.brand.as_str()) as _,
            vehicle_column!(|vehicle| vehicle.model.as_str()) as _,
            column!(|plan| plan.vehicle.as_ref().and_then(|vehicle| vehicle.chassis_number.as_deref())) as _,
            column!(|plan| plan.vehicle.as_ref().and_then(|vehicle| vehicle.registration_number.as_deref())) as _,
            vehicle_column!(|vehicle| vehicle.is_new_registration) as _
            $(, $more)*
        )
    }};
}

/// Inserts certificates with their vehicles, and blocks these devices before.
pub(super) async fn all(
    connection: &mut PgConnection,
    plans: &[&Plan],
    resolved: &Resolved,
    devices_to_block: &[i64],
) -> Result<Vec<Written>, Error> {
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    let rows = query_with_plans!("queries/write_certificates.sql", plans, resolved, devices_to_block)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("write certificates", error))?;
    let mut by_number: HashMap<String, (NewId, Option<NewId>)> = HashMap::with_capacity(rows.len());
    for row in rows {
        if let (Some(id), true) = (row.id, row.is_as_planned) {
            by_number.insert(row.certificate_number, (NewId(id), row.vehicle_id.map(NewId)));
        }
    }
    let written = plans.iter().map(|plan| {
        let (new_certificate_id, new_vehicle_id) = *by_number.get(&plan.certificate_number).ok_or_else(|| {
            // Writing each for itself says which it was, or that it was the vehicle.
            Error::difference(format!("insert certificate {}", plan.id), Difference::Dropped { table: "certificates" })
        })?;
        let people = resolved.people_ids(plan);
        Ok(Written { id: plan.id, new_certificate_id, new_vehicle_id, people, warnings: plan.warnings.clone() })
    });
    written.collect()
}

/// What became of a certificate that was written for itself.
#[derive(Debug)]
pub(super) enum Fate {
    Written {
        new_certificate_id: NewId,
        new_vehicle_id: Option<NewId>,
        vehicle_refused: Option<Refusal>,
    },
    /// Nothing was tried: this certificate has the number.
    NumberTaken(NewId),
    Refused(Refusal),
}

/// Inserts certificates with their vehicles one after the other, and says what became of each, in the order of the plans.
pub(super) async fn each(
    connection: &mut PgConnection,
    plans: &[&Plan],
    resolved: &Resolved,
) -> Result<Vec<Fate>, Error> {
    let doing = "write certificates one after the other";
    let mut rows = query_with_plans!(
        "queries/write_in_turn.sql",
        plans,
        resolved,
        &plans.iter().map(|plan| plan.status == Status::Blocked).collect::<Vec<_>>()
    )
    .fetch_all(connection)
    .await
    .map_err(|error| Error::new(doing, error))?;
    rows.sort_unstable_by_key(|row| row.place);
    let fates = rows.into_iter().map(|row| {
        let named = |name: Option<String>| name.filter(|name| !name.is_empty());
        let table = named(row.refusal_table);
        let message = row.refusal_message.unwrap_or_default();
        let reported = row.refusal_state.clone().map(|state| Error::reported(doing, state, message.clone()));
        if let Some(error) = reported.filter(Error::is_misfit) {
            // No certificate is to blame that a table is gone.
            return Err(error);
        }
        let refusal = row.refusal_state.map(|state| Refusal {
            code: Code::of_sqlstate(&state),
            waits_for_lock: state == "55P03",
            message,
            about: named(row.refusal_column).or_else(|| named(row.refusal_constraint)).or_else(|| table.clone()),
            table,
        });
        match (row.new_certificate_id, row.holder_id, refusal) {
            (Some(id), _, vehicle_refused) => Ok(Fate::Written {
                new_certificate_id: NewId(id),
                new_vehicle_id: row.new_vehicle_id.map(NewId),
                vehicle_refused,
            }),
            (None, Some(holder), _) => Ok(Fate::NumberTaken(NewId(holder))),
            (None, None, Some(refusal)) => Ok(Fate::Refused(refusal)),
            (None, None, None) => Err(Error::unexpected(doing, "a certificate is neither written nor refused")),
        }
    });
    fates.collect()
}
