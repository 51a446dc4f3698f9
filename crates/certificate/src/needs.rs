use crate::text::Reading;
use crate::{LegacyCertificate, OldId};

/// The keys of a certificate that its batch has to look up before it can be planned.
///
/// What the rows of unmapped people name is not among them, and known only once those rows are read: the user of a
/// technician ([`LegacyTechnician::user_id`](crate::LegacyTechnician::user_id)) and the trade licence of a customer
/// ([`trade_license`](crate::trade_license)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs<'a> {
    /// The ECU number as a device has it; `None` when it is missing or unreadable.
    pub ecu_number: Option<&'a str>,
    /// The user; like every id here, `None` when it is missing or unreadable.
    pub user: Option<OldId>,
    /// The customer.
    pub customer: Option<OldId>,
    /// The technicians of calibration and installation.
    pub technicians: [Option<OldId>; 2],
}

impl<'a> Needs<'a> {
    /// What planning this certificate needs.
    #[must_use]
    pub fn of(record: &'a LegacyCertificate) -> Self {
        Self {
            ecu_number: Reading::of(&record.ecu_number).text(),
            user: record.user_id.id(),
            customer: record.customer_id.id(),
            technicians: [record.calibration_technician_id.id(), record.installation_technician_id.id()],
        }
    }
}
