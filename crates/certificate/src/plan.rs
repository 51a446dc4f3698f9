use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{Issue, NewId, OldId, Status, Warning};

/// What a status row shows of a certificate, as it is in the source and trimmed; `None` when missing or unreadable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// `certificate_number`.
    pub certificate_number: Option<String>,
    /// `ecu_number`.
    pub ecu_number: Option<String>,
}

/// What becomes of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It can be written.
    Migrate(Box<Plan>),
    /// It cannot, for these reasons: at least one, sorted, no two with the same code and field.
    Fail(Vec<Issue>),
}

/// Everything to be written for one certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub struct Plan {
    pub id: OldId,
    pub certificate_number: String,
    pub device_id: NewId,
    pub customer: CustomerPlan,
    pub user_id: NewId,
    pub calibration_technician: Option<TechnicianPlan>,
    pub installation_technician: Option<TechnicianPlan>,
    pub speed_limit_kmh: i16,
    pub status: Status,
    pub issued_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub calibrated_at: Option<DateTime<Utc>>,
    pub installed_at: Option<DateTime<Utc>>,
    pub remarks: Option<String>,
    pub vehicle: Option<VehiclePlan>,
    pub warnings: Vec<Warning>,
}

/// The customer of a planned certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerPlan {
    /// Mapped to a destination customer that exists.
    Existing(NewId),
    /// Not mapped, and one destination customer has its trade licence: that customer, and the mapping is recorded.
    Matched {
        /// The legacy customer.
        old_id: OldId,
        /// The destination customer with its trade licence.
        new_id: NewId,
    },
    /// Not mapped, and no destination customer had its trade licence when it was planned: the destination customer with this trade licence if there is one when it is written, else a new
    /// one; either way the mapping is recorded.
    MatchOrCreate(NewCustomer),
}

/// A customer to match by trade licence or to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub struct NewCustomer {
    pub old_id: OldId,
    pub name: String,
    pub trade_license: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
}

/// A technician of a planned certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TechnicianPlan {
    /// Mapped to a destination technician that exists.
    Existing(NewId),
    /// Not mapped: created once, and the mapping recorded.
    Create(NewTechnician),
}

/// A technician to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub struct NewTechnician {
    pub old_id: OldId,
    pub user_id: NewId,
    pub name: String,
    pub phone: Option<String>,
}

/// The vehicle of a planned certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub struct VehiclePlan {
    pub brand: String,
    pub model: String,
    pub chassis_number: Option<String>,
    pub registration_number: Option<String>,
    pub is_new_registration: bool,
}
