//! Mappings this process has read before, for those that very many certificates share.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use certferry_certificate::{Lookups, Mapped, NewId, OldId};
use certferry_store::Needed;

/// The most entries kept of each entity; when there are more, all are forgotten and read again as needed.
const CAPACITY: usize = 100_000;

/// Mappings that lead to rows which exist. A mapping never changes once it is recorded, so what is known stays right
/// for as long as nobody deletes such a row; then the database refuses it, and everything is forgotten. What is not
/// known is asked for each time: another process may add it at any moment.
#[derive(Debug, Default)]
pub(crate) struct KnownMappings(Mutex<Entities>);

#[derive(Debug, Default)]
struct Entities {
    users: HashMap<OldId, NewId>,
    customers: HashMap<OldId, NewId>,
    technicians: HashMap<OldId, NewId>,
}

impl KnownMappings {
    /// Puts what is known into `found`, and leaves in `needed` what has to be read.
    pub(crate) fn resolve(&self, needed: &mut Needed, found: &mut Lookups) {
        let known = self.lock();
        take_known(&known.users, &mut needed.users, &mut found.users);
        take_known(&known.customers, &mut needed.customers, &mut found.customers);
        take_known(&known.technicians, &mut needed.technicians, &mut found.technicians);
    }

    /// Remembers what was read.
    pub(crate) fn learn(&self, read: &Lookups) {
        let mut known = self.lock();
        remember(&mut known.users, &read.users);
        remember(&mut known.customers, &read.customers);
        remember(&mut known.technicians, &read.technicians);
    }

    /// Forgets everything.
    pub(crate) fn forget(&self) {
        *self.lock() = Entities::default();
    }

    fn lock(&self) -> MutexGuard<'_, Entities> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take_known(known: &HashMap<OldId, NewId>, needed: &mut Vec<i64>, found: &mut HashMap<OldId, Mapped>) {
    needed.retain(|id| match known.get(&OldId(*id)) {
        Some(new_id) => {
            found.insert(OldId(*id), Mapped { new_id: *new_id, exists: true });
            false
        }
        None => true,
    });
}

fn remember(known: &mut HashMap<OldId, NewId>, read: &HashMap<OldId, Mapped>) {
    if known.len() + read.len() > CAPACITY {
        known.clear();
    }
    known.extend(read.iter().filter(|(_, mapped)| mapped.exists).map(|(old_id, mapped)| (*old_id, mapped.new_id)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &[(i64, i64, bool)]) -> Lookups {
        let users =
            entries.iter().map(|(old, new, exists)| (OldId(*old), Mapped { new_id: NewId(*new), exists: *exists }));
        Lookups { users: users.collect(), ..Lookups::default() }
    }

    fn asked(known: &KnownMappings) -> Vec<i64> {
        let mut needed = Needed { users: vec![1, 2, 3], ..Needed::default() };
        known.resolve(&mut needed, &mut Lookups::default());
        needed.users
    }

    #[test]
    fn only_mappings_that_lead_somewhere_are_known() {
        let known = KnownMappings::default();
        known.learn(&read(&[(1, 10, true), (2, 20, false)]));
        let mut needed = Needed { users: vec![1, 2, 3], ..Needed::default() };
        let mut found = Lookups::default();
        known.resolve(&mut needed, &mut found);
        assert_eq!(needed.users, [2, 3]);
        assert_eq!(found.users, read(&[(1, 10, true)]).users);
        known.forget();
        assert_eq!(asked(&known), [1, 2, 3]);
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let known = KnownMappings::default();
        known.learn(&read(&[(1, 10, true)]));
        let many: Vec<_> = (2..i64::try_from(CAPACITY).unwrap() + 2).map(|id| (id, id, true)).collect();
        known.learn(&read(&many));
        assert!(known.lock().users.len() <= CAPACITY);
        assert_eq!(asked(&known), [1], "the old ones made room");
    }
}
