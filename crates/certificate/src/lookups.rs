use std::collections::HashMap;

use crate::{LegacyCustomer, LegacyTechnician, NewId, OldId};

/// A mapping entry, and whether the destination has the row it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The id in the destination.
    pub new_id: NewId,
    /// Whether the destination has that row; if not, the mapping is dangling.
    pub exists: bool,
}

/// What a batch read before planning. A key that is absent was looked for and not found.
///
/// Reading every key that the batch's certificates name is the caller's duty.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    /// Destination devices, by ECU number.
    pub devices: HashMap<String, NewId>,
    /// The mapping of users.
    pub users: HashMap<OldId, Mapped>,
    /// The mapping of customers.
    pub customers: HashMap<OldId, Mapped>,
    /// The mapping of technicians.
    pub technicians: HashMap<OldId, Mapped>,
    /// Legacy customers that are not mapped.
    pub legacy_customers: HashMap<OldId, LegacyCustomer>,
    /// Legacy technicians that are not mapped.
    pub legacy_technicians: HashMap<OldId, LegacyTechnician>,
    /// How long the destination's text columns may be.
    pub limits: Limits,
}

/// The most characters the destination's text columns hold, read from its catalog; no entry means no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(HashMap<(String, String), usize>);

impl Limits {
    /// The limit in characters of `table.column`.
    #[must_use]
    pub fn of(&self, table: &str, column: &str) -> Option<usize> {
        // A handful of entries: a scan spares allocating a key for each question.
        self.0.iter().find(|((t, c), _)| t == table && c == column).map(|(_, limit)| *limit)
    }
}

impl FromIterator<(String, String, usize)> for Limits {
    fn from_iter<I: IntoIterator<Item = (String, String, usize)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(table, column, limit)| ((table, column), limit)).collect())
    }
}
