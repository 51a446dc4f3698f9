use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::{CodePage, OldId};

/// What sort of reason an issue is: `rules.md`, Issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A reference to something the destination or the mappings lack.
    Mapping,
    /// The legacy value itself.
    Validation,
    /// The destination refused it, or could not be reached.
    Database,
    /// Certferry itself.
    Internal,
}

/// The page of a code. Without the file, the code does not compile.
macro_rules! page {
    ($text:literal) => {
        CodePage::new($text, include_str!(concat!("../../../docs/codes/", $text, ".md")))
    };
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $kind:ident, $permanent:literal;)+) => {
        /// Why a certificate cannot be migrated. The order is that of `rules.md`, Issues: the first issue by it is
        /// the one a status row shows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($(#[$doc])* $name,)+ }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code as it is stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The kind the code belongs to.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)+ }
            }

            /// Whether trying again without a change is pointless.
            #[must_use]
            pub const fn is_permanent(self) -> bool {
                match self { $(Self::$name => $permanent,)+ }
            }

            /// The page of `docs/codes` about the code.
            #[must_use]
            pub const fn page(self) -> CodePage {
                match self { $(Self::$name => page!($text),)+ }
            }
        }
    };
}

codes! {
    /// No device has the ECU number.
    MissingDevice = "missing_device", Mapping, true;
    /// Several devices have the ECU number.
    AmbiguousDevice = "ambiguous_device", Mapping, true;
    /// The legacy user is not mapped.
    MissingUserMapping = "missing_user_mapping", Mapping, true;
    /// The legacy customer is neither mapped nor there.
    MissingCustomerMapping = "missing_customer_mapping", Mapping, true;
    /// Several destination customers have the legacy customer's trade licence.
    AmbiguousCustomer = "ambiguous_customer", Mapping, true;
    /// The legacy technician is neither mapped nor there.
    MissingTechnicianMapping = "missing_technician_mapping", Mapping, true;
    /// Mapped to an id that the destination does not have.
    DanglingMapping = "dangling_mapping", Mapping, true;
    /// A required value is missing.
    MissingField = "missing_field", Validation, true;
    /// A NUL character, or bytes that are no text.
    InvalidText = "invalid_text", Validation, true;
    /// A reference that is no id, or an id that several legacy rows have.
    InvalidId = "invalid_id", Validation, true;
    /// Not a date in any accepted form.
    InvalidDate = "invalid_date", Validation, true;
    /// Expiry before issue.
    InvalidDateOrder = "invalid_date_order", Validation, true;
    /// Not one speed of 1 to 300 km/h.
    InvalidSpeed = "invalid_speed", Validation, true;
    /// A status the status table does not have.
    UnknownStatus = "unknown_status", Validation, true;
    /// Gone from the source.
    CertificateNotFound = "certificate_not_found", Validation, true;
    /// A certificate number already taken.
    UniqueViolation = "unique_violation", Database, true;
    /// The destination refused a reference.
    ForeignKeyViolation = "foreign_key_violation", Database, true;
    /// The destination refused a value.
    CheckViolation = "check_violation", Database, true;
    /// Longer than the destination's column.
    ValueTooLong = "value_too_long", Database, true;
    /// Any other refusal of the destination.
    ConstraintViolation = "constraint_violation", Database, true;
    /// The connection was lost or could not be made.
    Connection = "connection", Database, false;
    /// The database did not answer in time.
    Timeout = "timeout", Database, false;
    /// Chosen as the victim of a deadlock.
    Deadlock = "deadlock", Database, false;
    /// Could not be serialized with what others did.
    Serialization = "serialization", Database, false;
    /// The database is there but does not work: starting, stopping, out of space or connections.
    Unavailable = "unavailable", Database, false;
    /// The certificate's job panicked.
    Panic = "panic", Internal, true;
    /// The certificate's worker died every time.
    AttemptsExhausted = "attempts_exhausted", Internal, true;
    /// Anything that has no code of its own.
    Unexpected = "unexpected", Internal, false;
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: &[Self] = &[Self::Mapping, Self::Validation, Self::Database, Self::Internal];

    /// The kind as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mapping => "mapping",
            Self::Validation => "validation",
            Self::Database => "database",
            Self::Internal => "internal",
        }
    }
}

/// The fields an issue can name, in the order in which `rules.md` has them in its table of one certificate.
const FIELDS: [&str; 20] = [
    "certificate_number",
    "ecu_number",
    "customer_id",
    "customer.name",
    "customer.trade_license",
    "customer.email",
    "customer.phone",
    "user_id",
    "calibration_technician_id",
    "installation_technician_id",
    "technician.name",
    "technician.phone",
    "technician.user_id",
    "speed",
    "status",
    "issue_date",
    "expiry_date",
    "calibration_date",
    "installation_date",
    "remarks",
];

/// One reason why a certificate cannot be migrated.
///
/// Its order sorts a certificate's issues: by code, then by field as `rules.md` lists them, no field last. Issues are
/// compared by what is stored of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Issue {
    /// What sort of reason.
    pub kind: Kind,
    /// Which reason.
    pub code: Code,
    /// The legacy column it is about, or one of the names in `rules.md`, Issues.
    pub field: Option<String>,
    /// For a person: what is wrong and with which value.
    pub message: String,
    /// The value it is about as the source has it, fit to be stored; `None` where there is none. It may be about a
    /// person, so it belongs into the status table and the report, and never into a log.
    #[serde(default)]
    pub raw: Option<String>,
    /// The legacy ids that would have to be mapped, or whose rows would have to be mended: those of users, customers and
    /// technicians, several where one issue says the same of two technicians. Empty where it is about the certificate's
    /// own row. Not stored.
    #[serde(skip)]
    pub about: Vec<OldId>,
}

/// The most characters of a raw value that an issue keeps.
const KEPT_OF_RAW: usize = 1_000;

impl Issue {
    /// An issue; its kind follows from its code.
    #[must_use]
    pub fn new(code: Code, field: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            kind: code.kind(),
            code,
            field: field.map(str::to_owned),
            message: message.into(),
            raw: None,
            about: Vec::new(),
        }
    }

    /// The same issue with the value it is about: a NUL becomes U+2400 (`␀`), which JSON in the database can hold, and
    /// of a very long text the beginning is kept.
    #[must_use]
    pub fn with_raw(mut self, raw: Option<&str>) -> Self {
        self.raw = raw.map(|raw| {
            let mut kept: String = raw.chars().take(KEPT_OF_RAW).collect();
            if kept.len() < raw.len() {
                kept.push('…');
            }
            kept.replace('\0', "\u{2400}")
        });
        self
    }

    /// The same issue with the id that would have to be mapped, or whose row would have to be mended.
    #[must_use]
    pub(crate) fn about(mut self, id: Option<OldId>) -> Self {
        self.about.extend(id);
        self
    }

    fn field_rank(&self) -> usize {
        let known = self.field.as_deref().map(|field| FIELDS.iter().position(|known| *known == field));
        known.map_or(FIELDS.len() + 1, |position| position.unwrap_or(FIELDS.len()))
    }
}

impl PartialEq for Issue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Issue {}

impl Ord for Issue {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.code, self.field_rank(), &self.field, &self.message, &self.raw, self.kind).cmp(&(
            other.code,
            other.field_rank(),
            &other.field,
            &other.message,
            &other.raw,
            other.kind,
        ))
    }
}

impl PartialOrd for Issue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

macro_rules! warnings {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// What was left out of a certificate that was migrated all the same.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum WarningCode { $($(#[$doc])* $name,)+ }

        impl WarningCode {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code as it is stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The page of `docs/codes` about the code.
            #[must_use]
            pub const fn page(self) -> CodePage {
                match self { $(Self::$name => page!($text),)+ }
            }
        }
    };
}

warnings! {
    /// The legacy certificate names no vehicle.
    VehicleMissing = "vehicle_missing";
    /// The vehicle could not be written.
    VehicleNotCreated = "vehicle_not_created";
    /// What the source says of the vehicle's registration is neither yes nor no.
    NewRegistrationUnclear = "new_registration_unclear";
}

/// A warning of a migrated certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// Which warning.
    pub code: WarningCode,
    /// For a person: what was left out and why.
    pub message: String,
}

impl Code {
    /// The code that an error of PostgreSQL is, by its SQLSTATE (PostgreSQL manual, appendix A).
    ///
    /// Refusals of a value are permanent, whichever constraint, trigger or type made them.
    #[must_use]
    pub fn of_sqlstate(state: &str) -> Self {
        match state {
            "23505" => Self::UniqueViolation,
            "23503" => Self::ForeignKeyViolation,
            "23514" => Self::CheckViolation,
            "22001" => Self::ValueTooLong,
            "40P01" => Self::Deadlock,
            "57014" | "55P03" | "25P03" | "57P05" => Self::Timeout,
            _ => match state.get(..2) {
                Some("0A" | "22" | "23" | "44" | "P0") => Self::ConstraintViolation,
                Some("40") => Self::Serialization,
                Some("08") => Self::Connection,
                Some("53" | "57" | "58") => Self::Unavailable,
                _ => Self::Unexpected,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_sort_by_the_two_tables_of_the_rules() {
        let mut issues: Vec<Issue> = [
            (Code::ValueTooLong, None),
            (Code::InvalidDate, Some("expiry_date")),
            (Code::InvalidText, Some("remarks")),
            (Code::MissingField, Some("speed")),
            (Code::MissingField, Some("customer_id")),
            (Code::ValueTooLong, Some("customer.name")),
            (Code::MissingDevice, Some("ecu_number")),
            (Code::InvalidDate, Some("issue_date")),
        ]
        .into_iter()
        .map(|(code, field)| Issue::new(code, field, ""))
        .collect();
        issues.sort();
        let sorted: Vec<_> = issues.iter().map(|issue| (issue.code, issue.field.as_deref().unwrap_or("-"))).collect();
        assert_eq!(
            sorted,
            [
                (Code::MissingDevice, "ecu_number"),
                (Code::MissingField, "customer_id"),
                (Code::MissingField, "speed"),
                (Code::InvalidText, "remarks"),
                (Code::InvalidDate, "issue_date"),
                (Code::InvalidDate, "expiry_date"),
                (Code::ValueTooLong, "customer.name"),
                (Code::ValueTooLong, "-"),
            ]
        );
    }

    #[test]
    fn a_raw_value_is_kept_fit_to_be_stored() {
        let kept = |raw: &str| Issue::new(Code::InvalidId, None, "").with_raw(Some(raw)).raw;
        assert_eq!(kept(" a\0b ").as_deref(), Some(" a\u{2400}b "));
        assert_eq!(kept(&"é".repeat(1_000)), Some("é".repeat(1_000)));
        assert_eq!(kept(&"é".repeat(1_001)), Some("é".repeat(1_000) + "…"));
        assert_eq!(Issue::new(Code::InvalidId, None, "").with_raw(None).raw, None);
    }

    #[test]
    fn an_issue_always_has_all_its_keys_and_one_without_raw_is_read() {
        let issue = Issue::new(Code::Panic, None, "why");
        let stored = serde_json::json!({
            "kind": "internal", "code": "panic", "field": null, "message": "why", "raw": null
        });
        assert_eq!(serde_json::to_value(&issue).unwrap(), stored);
        let older = r#"{"kind": "internal", "code": "panic", "field": null, "message": "why"}"#;
        assert_eq!(serde_json::from_str::<Issue>(older).unwrap(), issue);
    }

    #[test]
    fn a_code_is_stored_as_it_is_serialized() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
        for code in WarningCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!(Code::ALL.is_sorted());
        assert!(Code::ALL.iter().map(|code| code.kind()).is_sorted());
    }
}
