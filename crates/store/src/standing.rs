//! How certificates stand: what the status table says of them, and what the destination has. Verification and revert begin here.

use std::collections::HashMap;

use certferry_certificate::{NewId, OldId, Present, Recorded, StoredCertificate, StoredVehicle};
use serde_json::Value;
use sqlx::PgConnection;

use crate::Error;
use crate::filter::state;

/// For each of the certificates that has a status row: that, and what the destination has.
pub async fn standing(
    connection: &mut PgConnection,
    certificates: &[OldId],
) -> Result<HashMap<OldId, (Recorded, Present)>, Error> {
    let doing = "read how certificates stand";
    let ids: Vec<i64> = certificates.iter().map(|id| id.0).collect();
    let rows = sqlx::query_file!("queries/standing.sql", &ids)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new(doing, error))?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let certificate = row.is_there.then_some(StoredCertificate {
            certificate_number: row.certificate_number,
            device_id: row.device_id,
            customer_id: row.customer_id,
            user_id: row.user_id,
            calibration_technician_id: row.calibration_technician_id,
            installation_technician_id: row.installation_technician_id,
            speed_limit_kmh: row.speed_limit_kmh,
            status: row.status,
            issued_at: row.issued_at,
            expires_at: row.expires_at,
            calibrated_at: row.calibrated_at,
            installed_at: row.installed_at,
            remarks: row.remarks,
            vehicle: row.has_vehicle.then_some(StoredVehicle {
                brand: row.brand,
                model: row.model,
                chassis_number: row.chassis_number,
                registration_number: row.registration_number,
                is_new_registration: row.is_new_registration,
            }),
        });
        let recorded = Recorded {
            id: OldId(row.certificate_id),
            state: state(&row.state, doing)?,
            certificate_number: row.recorded_number,
            ecu_number: row.recorded_ecu_number,
            new_certificate_id: row.new_certificate_id.map(NewId),
            new_vehicle_id: row.new_vehicle_id.map(NewId),
            issues: codes(&row.issues),
            warnings: codes(&row.warnings).into_iter().map(|(code, _)| code).collect(),
            evidence: row.evidence,
        };
        let present = Present { certificate, vehicle_of: row.vehicle_of, device_is_blocked: row.is_blocked };
        found.insert(recorded.id, (recorded, present));
    }
    Ok(found)
}

/// Code and field of each, whatever somebody has made of the rest.
fn codes(values: &Value) -> Vec<(String, Option<String>)> {
    let text = |value: &Value, key: &str| value[key].as_str().map(str::to_owned);
    let values = values.as_array().into_iter().flatten();
    values.map(|value| (text(value, "code").unwrap_or_default(), text(value, "field"))).collect()
}

/// The certificates of the destination that have one of these numbers.
pub async fn holders_of_numbers(
    connection: &mut PgConnection,
    numbers: &[String],
) -> Result<Vec<(String, NewId)>, Error> {
    let rows = sqlx::query_file!("queries/verification_holders.sql", numbers)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("look up certificate numbers", error))?;
    Ok(rows.into_iter().map(|row| (row.certificate_number, NewId(row.id))).collect())
}
