//! Who would be created, each once over the whole migration.

use std::collections::HashSet;
use std::hash::BuildHasher;

use certferry_certificate::{CustomerPlan, OldId, Plan, TechnicianPlan};
use serde::Serialize;

/// How many customers and technicians the destination would get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WouldCreate {
    /// New customers.
    pub customers: u64,
    /// New technicians.
    pub technicians: u64,
}

/// The people that plans need and nobody has mapped.
#[derive(Debug, Default)]
pub(super) struct People {
    customers: HashSet<OldId>,
    technicians: HashSet<OldId>,
    /// The hashes of trade licences that would be created.
    trade_licenses: HashSet<u64>,
    would_create: WouldCreate,
    would_match: u64,
}

impl People {
    /// Adds those of a certificate that would be migrated. `hashes` are the same throughout.
    pub(super) fn add(&mut self, plan: &Plan, hashes: &impl BuildHasher) {
        match &plan.customer {
            CustomerPlan::Existing(_) => {}
            CustomerPlan::Matched { old_id, .. } => self.would_match += u64::from(self.customers.insert(*old_id)),
            CustomerPlan::MatchOrCreate(customer) => {
                if self.customers.insert(customer.old_id) {
                    // Of two with one trade licence the first is created, and the second is it.
                    let license = customer.trade_license.as_ref().map(|license| hashes.hash_one(license.as_str()));
                    if license.is_none_or(|license| self.trade_licenses.insert(license)) {
                        self.would_create.customers += 1;
                    } else {
                        self.would_match += 1;
                    }
                }
            }
        }
        for technician in [&plan.calibration_technician, &plan.installation_technician].into_iter().flatten() {
            if let TechnicianPlan::Create(technician) = technician {
                self.would_create.technicians += u64::from(self.technicians.insert(technician.old_id));
            }
        }
    }

    /// How many would be created.
    pub(super) fn would_create(&self) -> WouldCreate {
        self.would_create
    }

    /// How many customers would be those of the destination, or of one another, with the same trade licence.
    pub(super) fn would_match(&self) -> u64 {
        self.would_match
    }
}
