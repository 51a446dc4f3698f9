//! Whom certificates refer to, each once.

use std::collections::HashSet;

use certferry_certificate::{LegacyCertificate, Needs, OldId};

/// How many of each are kept apart; a legacy system has fewer people than that.
const KEPT: usize = 1_000_000;

/// The people that certificates name.
#[derive(Debug, Default)]
pub struct References {
    /// Of certificates themselves, not of technicians.
    pub users: Distinct,
    /// The customers.
    pub customers: Distinct,
    /// The technicians of calibration and installation.
    pub technicians: Distinct,
}

/// Legacy ids, each once.
#[derive(Debug, Default)]
pub struct Distinct {
    ids: HashSet<OldId>,
    has_more: bool,
}

impl References {
    /// Adds those of a certificate.
    pub(super) fn add(&mut self, record: &LegacyCertificate) {
        let needs = Needs::of(record);
        needs.user.into_iter().for_each(|id| self.users.add(id));
        needs.customer.into_iter().for_each(|id| self.customers.add(id));
        needs.technicians.into_iter().flatten().for_each(|id| self.technicians.add(id));
    }
}

impl Distinct {
    fn add(&mut self, id: OldId) {
        if self.ids.len() < KEPT {
            self.ids.insert(id);
        } else {
            self.has_more |= !self.ids.contains(&id);
        }
    }

    /// All of them, in order; `None` when there are more than are kept.
    #[must_use]
    pub fn sorted(&self) -> Option<Vec<OldId>> {
        let mut ids: Vec<OldId> = self.ids.iter().copied().collect();
        ids.sort_unstable();
        (!self.has_more).then_some(ids)
    }
}
