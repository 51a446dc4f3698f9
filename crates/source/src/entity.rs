use std::fmt;

/// What the legacy database is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// Legacy certificates.
    Certificates,
    /// Legacy customers.
    Customers,
    /// Legacy technicians.
    Technicians,
}

/// Where [`Entity::columns`] of certificates has the certificate number.
pub(crate) const CERTIFICATE_NUMBER: usize = 1;

impl Entity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Certificates, Self::Customers, Self::Technicians];

    /// The columns its query must return, in the order in which records are read from a row.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Certificates => &[
                "id",
                "certificate_number",
                "ecu_number",
                "customer_id",
                "user_id",
                "calibration_technician_id",
                "installation_technician_id",
                "vehicle_type",
                "vehicle_chassis_number",
                "vehicle_registration_number",
                "new_registration",
                "speed",
                "status",
                "issue_date",
                "expiry_date",
                "calibration_date",
                "installation_date",
                "remarks",
            ],
            Self::Customers => &["id", "name", "trade_license", "email", "phone"],
            Self::Technicians => &["id", "name", "phone", "user_id"],
        }
    }

    /// What its query is called in a statement around it.
    pub(crate) const fn alias(self) -> &'static str {
        match self {
            Self::Certificates => "certificate",
            Self::Customers => "customer",
            Self::Technicians => "technician",
        }
    }

    /// The configuration key that holds its query.
    #[must_use]
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Certificates => "source.certificates",
            Self::Customers => "source.customers",
            Self::Technicians => "source.technicians",
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificates => "certificates",
            Self::Customers => "customers",
            Self::Technicians => "technicians",
        })
    }
}
