//! What the plan of today has for each column.

use super::Today;
use crate::columns::{CERTIFICATE_COLUMNS, ColumnValue, Digest, VEHICLE_COLUMNS, instant, vehicle_values};
use crate::{CustomerPlan, Issue, LegacyCertificate, LegacyText, NewId, Outcome, Plan, Reference, TechnicianPlan};

/// What the plan has for a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planned<'a> {
    /// This value.
    Value(ColumnValue<'a>),
    /// Something that is not there yet, in words.
    New(&'static str),
    /// No value: the certificate would fail for it.
    Refused,
    /// Nothing is known: the certificate would fail for something else, or its row is not at hand.
    Unknown,
}

impl Planned<'_> {
    /// The digest of the value; of what was written where nothing is known, and none where it is no value that could be there.
    pub(super) fn digest(self, written: Digest) -> Option<Digest> {
        match self {
            Self::Value(value) => Some(value.digest()),
            Self::New(_) | Self::Refused => None,
            Self::Unknown => Some(written),
        }
    }

    pub(super) fn shown(self) -> Option<String> {
        match self {
            Self::Value(value) => value.shown(),
            Self::New(words) => Some(words.to_owned()),
            Self::Refused | Self::Unknown => None,
        }
    }
}

/// For each column of the certificate.
pub(super) fn certificate(today: Today<'_>) -> [Planned<'_>; CERTIFICATE_COLUMNS.len()] {
    match today {
        Today::Row(_, Outcome::Migrate(plan)) => values(plan),
        Today::Row(_, Outcome::Fail(issues)) => CERTIFICATE_COLUMNS.map(|column| {
            let is_refused = issues.iter().any(|issue| column_of(issue, today) == Some(column));
            if is_refused { Planned::Refused } else { Planned::Unknown }
        }),
        Today::Gone | Today::Unread => [Planned::Unknown; CERTIFICATE_COLUMNS.len()],
    }
}

/// For each column of the vehicle.
pub(super) fn vehicle(plan: Option<&Plan>) -> [Planned<'_>; VEHICLE_COLUMNS.len()] {
    match plan.and_then(vehicle_values) {
        Some(values) => values.map(Planned::Value),
        None => [Planned::Unknown; VEHICLE_COLUMNS.len()],
    }
}

fn values(plan: &Plan) -> [Planned<'_>; CERTIFICATE_COLUMNS.len()] {
    let id = |id: NewId| Planned::Value(ColumnValue::Integer(id.0));
    let text = |text| Planned::Value(ColumnValue::Text(text));
    let date = |at| Planned::Value(instant(at));
    let technician = |technician: Option<&TechnicianPlan>| match technician {
        None => Planned::Value(ColumnValue::Null),
        Some(TechnicianPlan::Existing(technician)) => id(*technician),
        Some(TechnicianPlan::Create(_)) => Planned::New("a new technician"),
    };
    [
        text(&plan.certificate_number),
        id(plan.device_id),
        match &plan.customer {
            CustomerPlan::Existing(customer) | CustomerPlan::Matched { new_id: customer, .. } => id(*customer),
            CustomerPlan::MatchOrCreate(_) => Planned::New("a new customer"),
        },
        id(plan.user_id),
        technician(plan.calibration_technician.as_ref()),
        technician(plan.installation_technician.as_ref()),
        Planned::Value(ColumnValue::Integer(i64::from(plan.speed_limit_kmh))),
        text(plan.status.as_str()),
        date(Some(plan.issued_at)),
        date(plan.expires_at),
        date(plan.calibrated_at),
        date(plan.installed_at),
        Planned::Value(plan.remarks.as_deref().map_or(ColumnValue::Null, ColumnValue::Text)),
    ]
}

/// The column that an issue is about.
pub(super) fn column_of(issue: &Issue, today: Today<'_>) -> Option<&'static str> {
    let field = issue.field.as_deref()?;
    let column = match field {
        "ecu_number" => "device_id",
        "speed" => "speed_limit_kmh",
        "issue_date" => "issued_at",
        "expiry_date" => "expires_at",
        "calibration_date" => "calibrated_at",
        "installation_date" => "installed_at",
        _ if field.starts_with("customer.") => "customer_id",
        _ if field.starts_with("technician.") => match today {
            Today::Row(LegacyCertificate { calibration_technician_id: Reference::Id(id), .. }, _)
                if issue.about.contains(id) =>
            {
                "calibration_technician_id"
            }
            _ => "installation_technician_id",
        },
        _ => field,
    };
    CERTIFICATE_COLUMNS.iter().copied().find(|known| *known == column)
}

/// What the source says of a column of the certificate.
pub(super) fn raw_of(today: Today<'_>, column: &str) -> Option<String> {
    let Today::Row(record, _) = today else { return None };
    let text = match column {
        "certificate_number" => &record.certificate_number,
        "device_id" => &record.ecu_number,
        "speed_limit_kmh" => &record.speed,
        "status" => &record.status,
        "issued_at" => &record.issue_date,
        "expires_at" => &record.expiry_date,
        "calibrated_at" => &record.calibration_date,
        "installed_at" => &record.installation_date,
        "remarks" => &record.remarks,
        "customer_id" => return reference(&record.customer_id),
        "user_id" => return reference(&record.user_id),
        "calibration_technician_id" => return reference(&record.calibration_technician_id),
        _ => return reference(&record.installation_technician_id),
    };
    text.as_str().map(str::to_owned)
}

/// What the source says of a column of the vehicle.
pub(super) fn raw_of_vehicle(today: Today<'_>, column: &str) -> Option<String> {
    let Today::Row(record, _) = today else { return None };
    let text: &LegacyText = match column {
        "chassis_number" => &record.vehicle_chassis_number,
        "registration_number" => &record.vehicle_registration_number,
        "is_new_registration" => &record.new_registration,
        _ => &record.vehicle_type,
    };
    text.as_str().map(str::to_owned)
}

fn reference(reference: &Reference) -> Option<String> {
    match reference {
        Reference::Missing | Reference::Unreadable(None) => None,
        Reference::Id(id) => Some(id.to_string()),
        Reference::Placeholder(text) | Reference::Unreadable(Some(text)) => Some(text.clone()),
    }
}
