use std::collections::HashMap;
use std::hash::Hash;

use crate::{LegacyCustomer, LegacyTechnician, NewId, OldId};

/// A mapping entry, and whether the destination has the row it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The id in the destination.
    pub new_id: NewId,
    /// Whether the destination has that row; if not, the mapping is dangling.
    pub exists: bool,
}

/// What was found under a key that should lead to one thing alone. A key that leads to nothing has no entry at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// The one thing.
    One(T),
    /// More than one, and nothing says which of them is meant.
    Several,
}

impl<T> Found<T> {
    /// What is found under each key; a key that comes again leads to several things, even where they look alike.
    pub fn by_key<K: Eq + Hash>(entries: impl IntoIterator<Item = (K, T)>) -> HashMap<K, Self> {
        let mut found = HashMap::new();
        for (key, value) in entries {
            found.entry(key).and_modify(|found| *found = Self::Several).or_insert(Self::One(value));
        }
        found
    }

    /// The one thing, if there is one alone.
    pub const fn one(&self) -> Option<&T> {
        match self {
            Self::One(value) => Some(value),
            Self::Several => None,
        }
    }
}

/// What a batch read before planning. A key that is absent was looked for and not found.
///
/// Reading every key that the batch's certificates name is the caller's duty.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    /// Destination devices, by ECU number.
    pub devices: HashMap<String, Found<NewId>>,
    /// The mapping of users.
    pub users: HashMap<OldId, Mapped>,
    /// The mapping of customers.
    pub customers: HashMap<OldId, Mapped>,
    /// The mapping of technicians.
    pub technicians: HashMap<OldId, Mapped>,
    /// Legacy customers that are not mapped.
    pub legacy_customers: HashMap<OldId, Found<LegacyCustomer>>,
    /// Legacy technicians that are not mapped.
    pub legacy_technicians: HashMap<OldId, Found<LegacyTechnician>>,
    /// Destination customers, by the trade licences of the legacy customers that are not mapped.
    pub customers_by_trade_license: HashMap<String, Found<NewId>>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_comes_again_leads_to_several() {
        let found = Found::by_key([("a", 1), ("b", 2), ("a", 1), ("c", 3), ("a", 4)]);
        assert_eq!(found, [("a", Found::Several), ("b", Found::One(2)), ("c", Found::One(3))].into());
        assert_eq!((found["a"].one(), found["b"].one()), (None, Some(&2)));
    }
}
