use serde::{Serialize, Serializer};

use crate::{OldId, Reference};

/// A text column as the legacy database gave it, before any rule is applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LegacyText {
    /// SQL `NULL`.
    #[default]
    Null,
    /// Text as it is stored, white space and all.
    Text(String),
    /// Bytes that are no text in the column's encoding.
    Undecodable,
}

impl LegacyText {
    /// The text as it is stored, when there is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Undecodable => None,
        }
    }
}

/// For a person: text as it is stored, `null`, or `{"undecodable": true}` for bytes that are no text.
impl Serialize for LegacyText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Undecodable => serializer.collect_map([("undecodable", true)]),
        }
    }
}

impl From<Option<String>> for LegacyText {
    fn from(value: Option<String>) -> Self {
        value.map_or(Self::Null, Self::Text)
    }
}

impl From<&str> for LegacyText {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// One row of the legacy `certificates` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the legacy columns, by their names")]
pub struct LegacyCertificate {
    pub id: OldId,
    pub certificate_number: LegacyText,
    pub ecu_number: LegacyText,
    pub customer_id: Reference,
    pub user_id: Reference,
    pub calibration_technician_id: Reference,
    pub installation_technician_id: Reference,
    pub vehicle_type: LegacyText,
    pub vehicle_chassis_number: LegacyText,
    pub vehicle_registration_number: LegacyText,
    pub new_registration: LegacyText,
    pub speed: LegacyText,
    pub status: LegacyText,
    pub issue_date: LegacyText,
    pub expiry_date: LegacyText,
    pub calibration_date: LegacyText,
    pub installation_date: LegacyText,
    pub remarks: LegacyText,
}

/// One row of the legacy `customers` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the legacy columns, by their names")]
pub struct LegacyCustomer {
    pub id: OldId,
    pub name: LegacyText,
    pub trade_license: LegacyText,
    pub email: LegacyText,
    pub phone: LegacyText,
}

/// One row of the legacy `technicians` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the legacy columns, by their names")]
pub struct LegacyTechnician {
    pub id: OldId,
    pub name: LegacyText,
    pub phone: LegacyText,
    pub user_id: Reference,
}
