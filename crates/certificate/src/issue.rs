use serde::{Deserialize, Serialize};

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
        }
    };
}

codes! {
    /// No device has the ECU number.
    MissingDevice = "missing_device", Mapping, true;
    /// The legacy user is not mapped.
    MissingUserMapping = "missing_user_mapping", Mapping, true;
    /// The legacy customer is neither mapped nor there.
    MissingCustomerMapping = "missing_customer_mapping", Mapping, true;
    /// The legacy technician is neither mapped nor there.
    MissingTechnicianMapping = "missing_technician_mapping", Mapping, true;
    /// Mapped to an id that the destination does not have.
    DanglingMapping = "dangling_mapping", Mapping, true;
    /// A required value is missing.
    MissingField = "missing_field", Validation, true;
    /// A NUL character, or bytes that are no text.
    InvalidText = "invalid_text", Validation, true;
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

/// One reason why a certificate cannot be migrated.
///
/// The derived order sorts a certificate's issues: by code, then by field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Issue {
    /// What sort of reason.
    pub kind: Kind,
    /// Which reason.
    pub code: Code,
    /// The legacy column it is about, or one of the names in `rules.md`, Issues.
    pub field: Option<String>,
    /// For a person: what is wrong and with which value.
    pub message: String,
}

impl Issue {
    /// An issue; its kind follows from its code.
    #[must_use]
    pub fn new(code: Code, field: Option<&str>, message: impl Into<String>) -> Self {
        Self { kind: code.kind(), code, field: field.map(str::to_owned), message: message.into() }
    }
}

/// What was left out of a certificate that was migrated all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// The legacy certificate names no vehicle.
    VehicleMissing,
    /// The vehicle could not be written.
    VehicleNotCreated,
}

/// A warning of a migrated certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// Which warning.
    pub code: WarningCode,
    /// For a person: what was left out and why.
    pub message: String,
}
