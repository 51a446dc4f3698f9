//! From the database's refusal to the issue a person reads.

use certferry_certificate::{Code, CustomerPlan, Issue, NewId, Plan, TechnicianPlan, Warning, WarningCode};

use super::Refused;
use crate::Error;

/// Destination columns, and the field an issue about one names. Longer names first where one contains another.
const FIELDS: &[(&str, &str, &str)] = &[
    ("certificates", "certificate_number", "certificate_number"),
    ("certificates", "calibration_technician_id", "calibration_technician_id"),
    ("certificates", "installation_technician_id", "installation_technician_id"),
    ("certificates", "device_id", "ecu_number"),
    ("certificates", "customer_id", "customer_id"),
    ("certificates", "user_id", "user_id"),
    ("certificates", "speed_limit_kmh", "speed"),
    ("certificates", "status", "status"),
    ("certificates", "expires_at", "expiry_date"),
    ("certificates", "issued_at", "issue_date"),
    ("certificates", "calibrated_at", "calibration_date"),
    ("certificates", "installed_at", "installation_date"),
    ("certificates", "remarks", "remarks"),
    ("customers", "trade_license", "customer.trade_license"),
    ("customers", "name", "customer.name"),
    ("technicians", "user_id", "technician.user_id"),
    ("technicians", "name", "technician.name"),
];

/// A certificate whose number the destination has already.
#[must_use]
pub fn number_taken(plan: &Plan, holder: Option<NewId>) -> Refused {
    let number = &plan.certificate_number;
    let by =
        holder.map_or_else(|| "another certificate of this migration".to_owned(), |id| format!("certificate {id}"));
    let message = format!("certificate number {number:?} is already taken by {by}; correct one of the two");
    let issue = Issue::new(Code::UniqueViolation, Some("certificate_number"), message).with_raw(Some(number));
    Refused { id: plan.id, issue, waits_for_lock: false }
}

/// The database's refusal of a certificate or of its vehicle.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) table: Option<String>,
    /// The column or constraint, else the table.
    pub(super) about: Option<String>,
    pub(super) waits_for_lock: bool,
}

impl From<&Error> for Refusal {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code(),
            message: error.database_message(),
            table: error.table().map(str::to_owned),
            about: error.about().map(str::to_owned),
            waits_for_lock: error.is_lock_timeout(),
        }
    }
}

impl Refusal {
    /// The issue of the certificate.
    pub(super) fn of(self, plan: &Plan) -> Refused {
        let field = field(self.table.as_deref(), self.about.as_deref());
        let message = format!("the destination refused the certificate: {}", without_people(&self.message, plan));
        Refused { id: plan.id, issue: Issue::new(self.code, field, message), waits_for_lock: self.waits_for_lock }
    }

    /// The warning of a certificate whose vehicle was refused.
    pub(super) fn of_vehicle(self, plan: &Plan) -> Warning {
        let message = format!("the destination refused the vehicle: {}", without_people(&self.message, plan));
        Warning { code: WarningCode::VehicleNotCreated, message }
    }
}

/// The shortest text that is looked for: what is shorter stands in other words too.
const SHORTEST: usize = 3;

/// The database's words with `…` for each text about people that a trigger or a cast of the destination may quote:
/// `producer status` shows the message, and a report goes from hand to hand.
fn without_people(message: &str, plan: &Plan) -> String {
    let mut texts: Vec<&str> = Vec::new();
    texts.extend(plan.remarks.as_deref());
    if let CustomerPlan::MatchOrCreate(customer) = &plan.customer {
        texts.push(&customer.name);
        texts.extend([&customer.trade_license, &customer.email, &customer.phone].into_iter().flatten().map(|it| &**it));
    }
    for technician in [&plan.calibration_technician, &plan.installation_technician] {
        if let Some(TechnicianPlan::Create(technician)) = technician {
            texts.push(&technician.name);
            texts.extend(technician.phone.as_deref());
        }
    }
    if let Some(vehicle) = &plan.vehicle {
        texts.extend([&vehicle.registration_number, &vehicle.chassis_number].into_iter().flatten().map(|it| &**it));
    }
    texts.retain(|text| text.chars().count() >= SHORTEST);
    // One may be part of another.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts.into_iter().fold(message.to_owned(), |message, text| message.replace(text, "…"))
}

fn field(table: Option<&str>, about: Option<&str>) -> Option<&'static str> {
    let (table, about) = (table?, about?);
    let named = |(of, column, _): &&(&str, &str, &str)| *of == table && about.contains(column);
    FIELDS.iter().find(named).map(|(_, _, field)| *field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constraint_names_the_legacy_column() {
        assert_eq!(field(Some("certificates"), Some("certificates_device_id_fkey")), Some("ecu_number"));
        assert_eq!(field(Some("certificates"), Some("certificates_expires_at_check")), Some("expiry_date"));
        assert_eq!(field(Some("customers"), Some("customers_trade_license_key")), Some("customer.trade_license"));
        assert_eq!(field(Some("vehicles"), Some("brand")), None);
        assert_eq!(field(None, None), None);
    }
}
