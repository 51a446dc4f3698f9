use std::collections::HashMap;

use certferry_certificate::{NewId, Plan, TechnicianPlan, VehiclePlan};
use sqlx::PgConnection;

use super::Written;
use super::people::{self, People};
use crate::Error;

/// Certificates that were inserted, and the customers and technicians that they needed.
#[derive(Debug, Default)]
pub(super) struct Inserted {
    pub(super) written: Vec<Written>,
    pub(super) customers: people::NewIds,
    pub(super) technicians: people::NewIds,
}

/// Inserts the certificates, and before them the customers and technicians they need.
pub(super) async fn certificates(
    connection: &mut PgConnection,
    plans: &[&Plan],
    people: &People,
) -> Result<Inserted, Error> {
    if plans.is_empty() {
        return Ok(Inserted::default());
    }
    let customers = people::customers(connection, plans, people).await?;
    let technicians = people::technicians(connection, plans, people).await?;
    let technician_id = |technician: &Option<TechnicianPlan>| {
        technician.as_ref().map(|technician| people::technician_id(technician, &technicians).0)
    };
    macro_rules! column {
        (|$plan:ident| $value:expr) => {
            &plans.iter().map(|$plan| $value).collect::<Vec<_>>()
        };
    }
    let rows = sqlx::query_file!(
        "queries/insert_certificates.sql",
        column!(|plan| plan.certificate_number.as_str()) as _,
        column!(|plan| plan.device_id.0),
        column!(|plan| people::customer_id(&plan.customer, &customers).0),
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
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(|error| Error::new("insert certificates", error))?;

    let by_number: HashMap<String, NewId> =
        rows.into_iter().map(|row| (row.certificate_number, NewId(row.id))).collect();
    let written = plans
        .iter()
        .map(|plan| {
            let new_certificate_id = *by_number.get(&plan.certificate_number).ok_or_else(|| {
                let number = &plan.certificate_number;
                Error::unexpected(
                    format!("insert certificate {}", plan.id),
                    format!(
                        "the destination stored another certificate number than {number:?}; does a trigger change it?"
                    ),
                )
            })?;
            Ok(Written { id: plan.id, new_certificate_id, new_vehicle_id: None, warnings: plan.warnings.clone() })
        })
        .collect::<Result<_, Error>>()?;
    Ok(Inserted { written, customers, technicians })
}

/// A vehicle and the certificate it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct VehicleRow<'a> {
    pub(super) certificate_id: NewId,
    pub(super) vehicle: &'a VehiclePlan,
}

/// Inserts vehicles; returns their ids by certificate.
pub(super) async fn vehicles(
    connection: &mut PgConnection,
    rows: &[VehicleRow<'_>],
) -> Result<HashMap<NewId, NewId>, Error> {
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    macro_rules! column {
        (|$row:ident| $value:expr) => {
            &rows.iter().map(|$row| $value).collect::<Vec<_>>()
        };
    }
    let inserted = sqlx::query_file!(
        "queries/insert_vehicles.sql",
        column!(|row| row.certificate_id.0),
        column!(|row| row.vehicle.brand.as_str()) as _,
        column!(|row| row.vehicle.model.as_str()) as _,
        column!(|row| row.vehicle.chassis_number.as_deref()) as _,
        column!(|row| row.vehicle.registration_number.as_deref()) as _,
        column!(|row| row.vehicle.is_new_registration),
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(|error| Error::new("insert vehicles", error))?;
    Ok(inserted.into_iter().map(|row| (NewId(row.certificate_id), NewId(row.id))).collect())
}
