//! Which few fixes would have the most certificates migrated.

use std::collections::{BTreeSet, HashMap};

use certferry_certificate::Code;
use serde::Serialize;

use super::cause::Cause;

/// How many fixes are proposed.
const PROPOSED: usize = 10;

/// The most fixes that are weighed as one, where no single one resolves more.
const TOGETHER: usize = 3;

/// How many groups of fixes are weighed in each round.
const WEIGHED: usize = 1000;

/// How many different causes are kept apart, and how many bytes of legacy values; what comes later counts as beyond
/// mending, so that the forecast promises too little rather than too much.
const CAUSES: usize = 100_000;
const BYTES_OF_CAUSES: usize = 16 << 20;

/// How many different combinations of causes are kept apart.
const COMBINATIONS: usize = 200_000;

/// The cause that no fix takes away.
const BEYOND: u32 = 0;

/// Something to mend, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What to do, in words.
    pub what: String,
    /// The code of the issues that it takes away.
    pub code: Code,
    /// How many certificates have such an issue, whatever else is wrong with them.
    pub certificates: u64,
    /// How many more would be migrated once it and the fixes before it are made.
    pub would_migrate: u64,
    /// How many would be migrated if it were the only one.
    pub would_migrate_alone: u64,
}

/// The certificates that fail, by what would have to be mended.
#[derive(Debug)]
pub(super) struct Failing {
    ids: HashMap<Cause, u32>,
    causes: Vec<Known>,
    bytes: usize,
    combinations: HashMap<Box<[u32]>, u32>,
    /// Of each combination, the certificates whose number nobody else has to have.
    alone: Vec<u64>,
    /// The others: the hash of the number, and the combination.
    numbered: Vec<(u64, u32)>,
}

#[derive(Debug)]
struct Known {
    cause: Cause,
    code: Code,
    certificates: u64,
}

/// Certificates of which each migrates once all causes of one of its combinations are mended: those with one number stand
/// together, because only one of them can have it.
struct Unit {
    combinations: Vec<Box<[u32]>>,
    certificates: u64,
}

impl Default for Failing {
    fn default() -> Self {
        let beyond = Known { cause: Cause::Beyond, code: Code::Unexpected, certificates: 0 };
        let (ids, combinations) = (HashMap::from([(Cause::Beyond, BEYOND)]), HashMap::from([(Box::from([BEYOND]), 0)]));
        Self { ids, causes: vec![beyond], bytes: 0, combinations, alone: vec![0], numbered: Vec::new() }
    }
}

impl Failing {
    /// Adds a certificate with all its causes. Once they are mended, it needs the number whose hash is given.
    pub(super) fn add(&mut self, causes: impl IntoIterator<Item = (Cause, Code)>, number: Option<u64>) {
        let causes: BTreeSet<u32> = causes.into_iter().map(|(cause, code)| self.id(cause, code)).collect();
        for cause in &causes {
            self.causes[*cause as usize].certificates += 1;
        }
        let combination = self.combination(causes.into_iter().collect());
        match number {
            Some(number) => self.numbered.push((number, combination)),
            None => self.alone[combination as usize] += 1,
        }
    }

    fn id(&mut self, cause: Cause, code: Code) -> u32 {
        if let Some(id) = self.ids.get(&cause) {
            return *id;
        }
        if self.causes.len() > CAUSES || self.bytes + cause.text_len() > BYTES_OF_CAUSES {
            return BEYOND;
        }
        let id = u32::try_from(self.causes.len()).unwrap_or(BEYOND);
        self.bytes += cause.text_len();
        self.ids.insert(cause.clone(), id);
        self.causes.push(Known { cause, code, certificates: 0 });
        id
    }

    fn combination(&mut self, causes: Box<[u32]>) -> u32 {
        if causes.contains(&BEYOND) || (self.alone.len() > COMBINATIONS && !self.combinations.contains_key(&causes)) {
            return 0;
        }
        let next = u32::try_from(self.alone.len()).unwrap_or_default();
        let combination = *self.combinations.entry(causes).or_insert(next);
        if combination == next {
            self.alone.push(0);
        }
        combination
    }

    /// The fixes, the one that resolves most first. A certificate whose number `is_planned` for another stays out, as
    /// one of the two fails whatever is mended.
    pub(super) fn fixes(mut self, is_planned: impl Fn(u64) -> bool) -> Vec<Fix> {
        let units = self.units(is_planned);
        let alone = resolved_alone(&units);
        let fix = |(cause, would_migrate): (u32, u64)| {
            let Known { cause: known, code, certificates } = &self.causes[cause as usize];
            let would_migrate_alone = alone.get(&cause).copied().unwrap_or_default();
            Fix {
                what: known.to_string(),
                code: *code,
                certificates: *certificates,
                would_migrate,
                would_migrate_alone,
            }
        };
        choose(units, |cause| self.causes[cause as usize].certificates).into_iter().map(fix).collect()
    }

    fn units(&mut self, is_planned: impl Fn(u64) -> bool) -> Vec<Unit> {
        let mut sets: Vec<Box<[u32]>> = vec![Box::default(); self.alone.len()];
        for (causes, combination) in self.combinations.drain() {
            sets[combination as usize] = causes;
        }
        let mut of_several: HashMap<Vec<u32>, u64> = HashMap::new();
        self.numbered.sort_unstable();
        for with_one_number in self.numbered.chunk_by(|one, other| one.0 == other.0) {
            let mut combinations: Vec<u32> = with_one_number.iter().map(|(_, combination)| *combination).collect();
            combinations.dedup();
            combinations.retain(|combination| *combination != 0);
            match combinations[..] {
                _ if is_planned(with_one_number[0].0) => {}
                [] => {}
                [one] => self.alone[one as usize] += 1,
                _ => *of_several.entry(combinations).or_default() += 1,
            }
        }
        let alone = self.alone.iter().enumerate().skip(1).filter(|(_, certificates)| **certificates > 0);
        let mut units: Vec<Unit> = alone
            .map(|(at, certificates)| Unit { combinations: vec![sets[at].clone()], certificates: *certificates })
            .collect();
        units.extend(of_several.into_iter().map(|(combinations, certificates)| Unit {
            combinations: combinations.into_iter().map(|at| sets[at as usize].clone()).collect(),
            certificates,
        }));
        units
    }
}

impl Unit {
    /// What is left to mend, each way once.
    fn left<'a>(&'a self, made: &'a BTreeSet<u32>) -> impl Iterator<Item = Vec<u32>> + 'a {
        let of = |causes: &[u32]| causes.iter().copied().filter(|cause| !made.contains(cause)).collect();
        let ways: BTreeSet<Vec<u32>> = self.combinations.iter().map(|causes| of(causes)).collect();
        ways.into_iter()
    }

    fn is_resolved(&self, made: &BTreeSet<u32>) -> bool {
        self.combinations.iter().any(|causes| causes.iter().all(|cause| made.contains(cause)))
    }
}

/// How many certificates migrate when this cause alone is mended.
fn resolved_alone(units: &[Unit]) -> HashMap<u32, u64> {
    let mut alone = HashMap::new();
    for unit in units {
        let causes: BTreeSet<u32> = unit.combinations.iter().filter(|set| set.len() == 1).map(|set| set[0]).collect();
        for cause in causes {
            *alone.entry(cause).or_default() += unit.certificates;
        }
    }
    alone
}

/// Chooses causes one after another, or a few at once where none resolves as much by itself; with each comes how many
/// more certificates then migrate.
fn choose(mut units: Vec<Unit>, certificates: impl Fn(u32) -> u64) -> Vec<(u32, u64)> {
    let (mut chosen, mut made) = (Vec::new(), BTreeSet::new());
    while chosen.len() < PROPOSED
        && let Some(group) = best_group(&units, &made, PROPOSED - chosen.len(), &certificates)
    {
        for cause in group {
            made.insert(cause);
            let resolved = units.extract_if(.., |unit| unit.is_resolved(&made)).map(|unit| unit.certificates).sum();
            chosen.push((cause, resolved));
        }
    }
    chosen
}

/// The causes that resolve most for each of them; those that resolve something by themselves first.
fn best_group(
    units: &[Unit],
    made: &BTreeSet<u32>,
    room: usize,
    certificates: &impl Fn(u32) -> u64,
) -> Option<Vec<u32>> {
    let mut exactly: HashMap<Vec<u32>, u64> = HashMap::new();
    for unit in units {
        for left in unit.left(made).filter(|left| left.len() <= room) {
            *exactly.entry(left).or_default() += unit.certificates;
        }
    }
    let few = exactly.keys().any(|left| left.len() <= TOGETHER);
    let mut candidates: Vec<(&Vec<u32>, u64)> =
        exactly.iter().filter(|(left, _)| !few || left.len() <= TOGETHER).map(|(left, count)| (left, *count)).collect();
    candidates.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    candidates.truncate(WEIGHED);
    let worth = |group: &[u32]| -> u64 { subsets(group).iter().filter_map(|subset| exactly.get(subset)).sum() };
    let weighed = candidates.into_iter().map(|(group, _)| (group, worth(group)));
    let best = weighed.max_by(|(one, of_one), (other, of_other)| {
        let (per_one, per_other) = (of_one * other.len() as u64, of_other * one.len() as u64);
        let touched = |group: &[u32]| group.iter().map(|cause| certificates(*cause)).sum::<u64>();
        // Of equals the smaller group, then what more certificates have, then what came first.
        per_one
            .cmp(&per_other)
            .then_with(|| other.len().cmp(&one.len()))
            .then_with(|| touched(one).cmp(&touched(other)))
            .then_with(|| other.cmp(one))
    })?;
    let mut group = best.0.clone();
    group.sort_by_key(|cause| {
        let alone = exactly.get([*cause].as_slice()).copied().unwrap_or_default();
        std::cmp::Reverse((alone, certificates(*cause)))
    });
    Some(group)
}

/// All subsets of a small group but the empty one; of a large one itself.
fn subsets(group: &[u32]) -> Vec<Vec<u32>> {
    if group.len() > TOGETHER {
        return vec![group.to_vec()];
    }
    let subset = |bits: usize| {
        let chosen = group.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        chosen.map(|(_, cause)| *cause).collect()
    };
    (1..1 << group.len()).map(subset).collect()
}

#[cfg(test)]
mod tests {
    use certferry_certificate::OldId;
    use proptest::prelude::*;

    use super::super::cause::Entity;
    use super::*;

    fn user(id: i64) -> (Cause, Code) {
        (Cause::Person(Entity::User, OldId(id)), Code::MissingUserMapping)
    }

    fn shown(fixes: &[Fix]) -> Vec<(&str, u64, u64, u64)> {
        fn of(fix: &Fix) -> (&str, u64, u64, u64) {
            (&fix.what, fix.certificates, fix.would_migrate, fix.would_migrate_alone)
        }
        fixes.iter().map(of).collect()
    }

    #[test]
    fn what_is_only_touched_is_not_resolved() {
        let mut failing = Failing::default();
        (0..5).for_each(|_| failing.add([user(115)], None));
        (0..3).for_each(|_| failing.add([user(115), user(116)], None));
        failing.add([user(116), user(117)], None);
        let fixes = failing.fixes(|_| false);
        assert_eq!(shown(&fixes), [("map user 115", 8, 5, 5), ("map user 116", 4, 3, 0), ("map user 117", 1, 1, 0)]);
    }

    #[test]
    fn several_fixes_that_only_help_together_are_proposed_together() {
        let mut failing = Failing::default();
        (0..10).for_each(|_| failing.add([user(1), user(2)], None));
        failing.add([user(3)], None);
        assert_eq!(
            shown(&failing.fixes(|_| false)),
            [("map user 1", 10, 0, 0), ("map user 2", 10, 10, 0), ("map user 3", 1, 1, 1)]
        );
    }

    #[test]
    fn what_nobody_can_mend_is_never_resolved() {
        let mut failing = Failing::default();
        failing.add([user(1), (Cause::Beyond, Code::Panic)], None);
        failing.add([(Cause::Beyond, Code::Panic)], None);
        assert_eq!(failing.fixes(|_| false), []);
    }

    #[test]
    fn of_certificates_with_one_number_one_is_resolved() {
        let mut failing = Failing::default();
        failing.add([user(1)], Some(7));
        failing.add([user(2)], Some(7));
        failing.add([user(1)], Some(7));
        failing.add([user(1)], Some(8));
        failing.add([user(1)], Some(9));
        // The number 9 is another certificate's that needs no fix.
        let fixes = failing.fixes(|number| number == 9);
        assert_eq!(shown(&fixes), [("map user 1", 4, 2, 2)]);
    }

    #[test]
    fn more_causes_than_are_kept_apart_are_beyond_mending() {
        let mut failing = Failing::default();
        for id in 0..i64::try_from(CAUSES).expect("it fits") + 500 {
            failing.add([user(id)], None);
        }
        failing.add([user(0)], None);
        let fixes = failing.fixes(|_| false);
        assert_eq!(fixes.len(), PROPOSED);
        assert_eq!(shown(&fixes)[0], ("map user 0", 2, 2, 2));
        let mut failing = Failing::default();
        for n in 0..40 {
            failing.add([(Cause::Word(format!("{n}{}", "x".repeat(1 << 20))), Code::UnknownStatus)], None);
        }
        assert!(failing.bytes <= BYTES_OF_CAUSES && failing.causes.len() < 20, "{}", failing.bytes);
    }

    proptest! {
        /// What the fixes promise is what comes of making them, one after the other, for any certificates.
        #[test]
        fn promises_are_kept(
            certificates in prop::collection::vec((prop::collection::btree_set(1_i64..9, 1..4), 0_u64..25), 0..60),
            planned in prop::collection::btree_set(0_u64..25, 0..5),
        ) {
            let mut failing = Failing::default();
            for (users, number) in &certificates {
                failing.add(users.iter().map(|id| user(*id)), Some(*number));
            }
            let fixes = failing.fixes(|number| planned.contains(&number));
            let migrated = |mapped: &BTreeSet<String>| {
                let can = certificates.iter().filter(|(users, number)| {
                    !planned.contains(number) && users.iter().all(|id| mapped.contains(&format!("map user {id}")))
                });
                can.map(|(_, number)| number).collect::<BTreeSet<_>>().len() as u64
            };
            let mut made = BTreeSet::new();
            for fix in &fixes {
                prop_assert_eq!(migrated(&BTreeSet::from([fix.what.clone()])), fix.would_migrate_alone);
                let before = migrated(&made);
                made.insert(fix.what.clone());
                prop_assert_eq!(migrated(&made) - before, fix.would_migrate);
                let has = certificates.iter().filter(|(users, _)| {
                    users.iter().any(|id| format!("map user {id}") == fix.what)
                });
                prop_assert_eq!(has.count() as u64, fix.certificates);
            }
        }
    }
}
