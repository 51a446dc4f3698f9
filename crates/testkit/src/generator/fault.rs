//! What is wrong with a certificate that cannot be migrated.

use rand::RngExt;
use rand::distr::weighted::WeightedIndex;
use rand::distr::{Distribution, weighted};

use super::{Dataset, Stream};

/// Why a generated certificate cannot be migrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A technician of it is not mapped, and neither is that technician's user.
    TechnicianWithoutUser,
    /// The destination has no such device.
    NoDevice,
    /// The date of issue is no date.
    BadIssueDate,
    /// The status means nothing.
    UnknownStatus,
    /// There is no speed.
    NoSpeed,
    /// Several of the above at once.
    Several,
    /// There is no certificate number.
    NoNumber,
    /// It ends before it begins.
    DatesInWrongOrder,
    /// Two speeds, or none that is a number.
    BadSpeed,
    /// The legacy system does not have the technician.
    NoTechnician,
    /// It has no customer.
    CustomerMissing,
    /// The legacy system does not have the customer.
    NoCustomer,
    /// Its user is not mapped.
    UnmappedUser,
    /// An earlier certificate has the same number; one of the two fails.
    NumberTaken,
    /// There is no status.
    NoStatus,
    /// There is no date of issue.
    NoIssueDate,
}

/// How often each appears in the cases, per thousand that cannot be migrated.
const SHARES: [(Fault, u32); 16] = [
    (Fault::TechnicianWithoutUser, 500),
    (Fault::NoDevice, 90),
    (Fault::BadIssueDate, 70),
    (Fault::UnknownStatus, 60),
    (Fault::NoSpeed, 50),
    (Fault::Several, 60),
    (Fault::NoNumber, 40),
    (Fault::DatesInWrongOrder, 35),
    (Fault::BadSpeed, 25),
    (Fault::NoTechnician, 20),
    (Fault::CustomerMissing, 15),
    (Fault::NoCustomer, 10),
    (Fault::UnmappedUser, 10),
    (Fault::NumberTaken, 5),
    (Fault::NoStatus, 5),
    (Fault::NoIssueDate, 5),
];

impl Fault {
    /// The fault of the certificate with this id, if it is one of the bad ones.
    pub(super) fn draw(dataset: &Dataset, id: u64) -> Option<Self> {
        let random = &mut dataset.random(Stream::Fault, id);
        if !random.random_bool(dataset.bad_share.clamp(0.0, 1.0)) {
            return None;
        }
        let shares: Result<WeightedIndex<u32>, weighted::Error> = WeightedIndex::new(SHARES.map(|(_, share)| share));
        let drawn = SHARES[shares.expect("the shares are not all zero").sample(random)].0;
        // The first certificates have nobody to take a number from.
        let no_taking = dataset.unique_numbers || number_taken_from(dataset, id).is_none();
        Some(if drawn == Self::NumberTaken && no_taking { Self::NoNumber } else { drawn })
    }
}

/// The certificate whose number a certificate with a taken number shares: the last good one before it, as otherwise
/// that one would fail by itself and leave the number free.
pub(super) fn number_taken_from(dataset: &Dataset, id: u64) -> Option<u64> {
    (1..id).rev().take(200).find(|earlier| !is_bad(dataset, *earlier))
}

fn is_bad(dataset: &Dataset, id: u64) -> bool {
    dataset.random(Stream::Fault, id).random_bool(dataset.bad_share.clamp(0.0, 1.0))
}
