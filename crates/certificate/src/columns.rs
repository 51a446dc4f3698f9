//! The columns of the destination that are kept and compared, and their values, whichever side they come from.

use blake3::Hasher;
use chrono::{DateTime, Utc};

use crate::{NewId, Plan};

/// The bytes that are kept of a column's digest. A change goes unseen once in 2⁴⁸.
pub(crate) const DIGEST: usize = 6;

/// The columns of a certificate whose digests are kept, in their order.
pub(crate) const CERTIFICATE_COLUMNS: [&str; 13] = [
    "certificate_number",
    "device_id",
    "customer_id",
    "user_id",
    "calibration_technician_id",
    "installation_technician_id",
    "speed_limit_kmh",
    "status",
    "issued_at",
    "expires_at",
    "calibrated_at",
    "installed_at",
    "remarks",
];

/// The columns of a vehicle whose digests are kept after those of its certificate, in their order.
pub(crate) const VEHICLE_COLUMNS: [&str; 5] =
    ["brand", "model", "chassis_number", "registration_number", "is_new_registration"];

/// The destination's ids of the people of a certificate, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub struct PeopleIds {
    pub customer_id: NewId,
    pub calibration_technician_id: Option<NewId>,
    pub installation_technician_id: Option<NewId>,
}

/// A value of a column, of whichever type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnValue<'a> {
    /// SQL `NULL`.
    Null,
    /// A number or an id.
    Integer(i64),
    /// Text, byte by byte.
    Text(&'a str),
    /// An instant, in microseconds since 1970.
    Instant(i64),
    /// True or false.
    Boolean(bool),
}

impl ColumnValue<'_> {
    /// The digest that is kept of it. Values of two types have different ones.
    #[must_use]
    pub(crate) fn digest(self) -> Digest {
        let mut hasher = Hasher::new();
        match self {
            Self::Null => hasher.update(b"n"),
            Self::Integer(number) => hasher.update(b"i").update(&number.to_be_bytes()),
            Self::Text(text) => hasher.update(b"t").update(text.as_bytes()),
            Self::Instant(microseconds) => hasher.update(b"@").update(&microseconds.to_be_bytes()),
            Self::Boolean(flag) => hasher.update(b"b").update(&[u8::from(flag)]),
        };
        first(&hasher)
    }

    /// As a person reads it; none for `NULL`.
    pub(crate) fn shown(self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Integer(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.to_owned()),
            Self::Instant(microseconds) => Some(DateTime::from_timestamp_micros(microseconds).map_or_else(
                || microseconds.to_string(),
                |at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
            )),
            Self::Boolean(flag) => Some(flag.to_string()),
        }
    }
}

/// The digest of a column's value.
pub(crate) type Digest = [u8; DIGEST];

/// A certificate and its vehicle as the destination has them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub struct StoredCertificate {
    pub certificate_number: Option<String>,
    pub device_id: Option<i64>,
    pub customer_id: Option<i64>,
    pub user_id: Option<i64>,
    pub calibration_technician_id: Option<i64>,
    pub installation_technician_id: Option<i64>,
    pub speed_limit_kmh: Option<i64>,
    pub status: Option<String>,
    pub issued_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub calibrated_at: Option<DateTime<Utc>>,
    pub installed_at: Option<DateTime<Utc>>,
    pub remarks: Option<String>,
    /// None where it has none, or where the one that was recorded is gone.
    pub vehicle: Option<StoredVehicle>,
}

/// A vehicle as the destination has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub struct StoredVehicle {
    pub brand: Option<String>,
    pub model: Option<String>,
    pub chassis_number: Option<String>,
    pub registration_number: Option<String>,
    pub is_new_registration: Option<bool>,
}

impl StoredCertificate {
    /// The values in the order of [`CERTIFICATE_COLUMNS`].
    pub(crate) fn values(&self) -> [ColumnValue<'_>; CERTIFICATE_COLUMNS.len()] {
        let id = |id: Option<i64>| id.map_or(ColumnValue::Null, ColumnValue::Integer);
        [
            optional(self.certificate_number.as_deref()),
            id(self.device_id),
            id(self.customer_id),
            id(self.user_id),
            id(self.calibration_technician_id),
            id(self.installation_technician_id),
            id(self.speed_limit_kmh),
            optional(self.status.as_deref()),
            instant(self.issued_at),
            instant(self.expires_at),
            instant(self.calibrated_at),
            instant(self.installed_at),
            optional(self.remarks.as_deref()),
        ]
    }
}

impl StoredVehicle {
    /// The values in the order of [`VEHICLE_COLUMNS`].
    pub(crate) fn values(&self) -> [ColumnValue<'_>; VEHICLE_COLUMNS.len()] {
        [
            optional(self.brand.as_deref()),
            optional(self.model.as_deref()),
            optional(self.chassis_number.as_deref()),
            optional(self.registration_number.as_deref()),
            self.is_new_registration.map_or(ColumnValue::Null, ColumnValue::Boolean),
        ]
    }
}

/// How many columns of a customer or technician are kept.
pub(crate) const PERSON_COLUMNS: usize = 4;

impl PersonColumns<'_> {
    /// The values of the columns, in the order of [`Self::fields`].
    pub(crate) fn values(&self) -> [ColumnValue<'_>; PERSON_COLUMNS] {
        match self {
            Self::Customer { name, trade_license, email, phone } => {
                [ColumnValue::Text(name), optional(*trade_license), optional(*email), optional(*phone)]
            }
            Self::Technician { user_id, name, phone } => {
                [ColumnValue::Integer(user_id.0), ColumnValue::Text(name), optional(*phone), ColumnValue::Null]
            }
        }
    }

    /// The names of the columns; the last of a technician is none.
    pub(crate) fn fields(&self) -> [&'static str; PERSON_COLUMNS] {
        match self {
            Self::Customer { .. } => ["customer.name", "customer.trade_license", "customer.email", "customer.phone"],
            Self::Technician { .. } => ["technician.user_id", "technician.name", "technician.phone", "technician"],
        }
    }
}

/// The columns of a customer or technician.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub enum PersonColumns<'a> {
    Customer { name: &'a str, trade_license: Option<&'a str>, email: Option<&'a str>, phone: Option<&'a str> },
    Technician { user_id: NewId, name: &'a str, phone: Option<&'a str> },
}

pub(crate) fn certificate_values(plan: &Plan, people: PeopleIds) -> [ColumnValue<'_>; CERTIFICATE_COLUMNS.len()] {
    let id = |id: Option<NewId>| id.map_or(ColumnValue::Null, |id| ColumnValue::Integer(id.0));
    [
        ColumnValue::Text(&plan.certificate_number),
        ColumnValue::Integer(plan.device_id.0),
        ColumnValue::Integer(people.customer_id.0),
        ColumnValue::Integer(plan.user_id.0),
        id(people.calibration_technician_id),
        id(people.installation_technician_id),
        ColumnValue::Integer(i64::from(plan.speed_limit_kmh)),
        ColumnValue::Text(plan.status.as_str()),
        instant(Some(plan.issued_at)),
        instant(plan.expires_at),
        instant(plan.calibrated_at),
        instant(plan.installed_at),
        optional(plan.remarks.as_deref()),
    ]
}

pub(crate) fn vehicle_values(plan: &Plan) -> Option<[ColumnValue<'_>; VEHICLE_COLUMNS.len()]> {
    let vehicle = plan.vehicle.as_ref()?;
    Some([
        ColumnValue::Text(&vehicle.brand),
        ColumnValue::Text(&vehicle.model),
        optional(vehicle.chassis_number.as_deref()),
        optional(vehicle.registration_number.as_deref()),
        ColumnValue::Boolean(vehicle.is_new_registration),
    ])
}

pub(crate) fn instant<'a>(at: Option<DateTime<Utc>>) -> ColumnValue<'a> {
    at.map_or(ColumnValue::Null, |at| ColumnValue::Instant(at.timestamp_micros()))
}

pub(crate) fn optional(text: Option<&str>) -> ColumnValue<'_> {
    text.map_or(ColumnValue::Null, ColumnValue::Text)
}

/// The first bytes of a digest.
pub(crate) fn first<const N: usize>(hasher: &Hasher) -> [u8; N] {
    let mut bytes = [0; N];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_look_alike_have_different_digests() {
        let values = [
            ColumnValue::Null,
            ColumnValue::Text(""),
            ColumnValue::Text("1"),
            ColumnValue::Integer(1),
            ColumnValue::Instant(1),
            ColumnValue::Boolean(true),
            ColumnValue::Boolean(false),
            ColumnValue::Text("true"),
            ColumnValue::Text("n"),
        ];
        for (at, one) in values.iter().enumerate() {
            for other in &values[at + 1..] {
                assert_ne!(one.digest(), other.digest(), "{one:?} {other:?}");
            }
        }
        // What is stored must mean the same for every later version.
        assert_eq!(ColumnValue::Text("SLC/1").digest(), ColumnValue::Text("SLC/1").digest());
    }
}
