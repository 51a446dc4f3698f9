//! The equations, each of which holds only when nothing is missing: `rules.md`, Afterwards.

use std::collections::BTreeMap;

use certferry_certificate::Verdict;
use certferry_store::{ByVerdict, Counts};
use serde::{Deserialize, Serialize};

use super::Verification;

/// What two counts say that should be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Equation {
    /// In words.
    pub says: String,
    /// The left side.
    pub left: i64,
    /// The right side.
    pub right: i64,
    /// Whether both are the same.
    pub holds: bool,
}

/// The source's own count.
#[derive(Clone, Debug)]
pub(super) struct OfSource {
    pub(super) rows: u64,
    /// Rows whose id cannot be read; the first hundred of them in words.
    pub(super) unreadable: u64,
    pub(super) named: Vec<String>,
}

/// What came of a verification. `source` is given where everything was looked at.
pub(super) fn verification(counts: &Counts, found: &[ByVerdict], source: Option<&OfSource>) -> Verification {
    let mut by_verdict: BTreeMap<Verdict, i64> = found.iter().map(|found| (found.verdict, found.all)).collect();
    let not_matching: i64 = found.iter().map(|found| found.certificates).sum();
    by_verdict.insert(Verdict::Match, counts.verified - not_matching);
    let mut equations = Vec::new();
    let mut unaddressable = counts.unaddressable;
    if let Some(source) = source {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        unaddressable += count(source.unreadable);
        let Counts { status_rows, gone, not_enqueued, found, owned, twins, unowned, .. } = *counts;
        equations = vec![
            equation(
                "source rows = status rows - gone + not enqueued + unaddressable",
                count(source.rows),
                status_rows - gone + not_enqueued + unaddressable,
            ),
            equation("migrated = their certificates found", counts.migrated, found),
            equation(
                "destination certificates = found + twin + native",
                counts.destination,
                owned + twins + (unowned - twins).max(0),
            ),
            equation("vehicles recorded = vehicles found", counts.vehicles, counts.vehicles_found),
            equation("people created = people found", counts.created, counts.created_found),
            equation("status rows = queued + migrated + failed + skipped + reverted", status_rows, counts.tallied),
        ];
    }
    if unaddressable > 0 {
        by_verdict.insert(Verdict::Unaddressable, unaddressable);
    }
    Verification {
        verified: counts.verified,
        by_verdict,
        findings: counts.findings,
        accepted: counts.accepted,
        existence_only: counts.unproven,
        equations,
    }
}

fn equation(says: &str, left: i64, right: i64) -> Equation {
    Equation { says: says.to_owned(), left, right, holds: left == right }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_and_equations_add_up_and_what_is_lost_breaks_them() {
        let counts = Counts {
            status_rows: 8,
            tallied: 8,
            migrated: 5,
            destination: 9,
            found: 5,
            owned: 5,
            unowned: 4,
            vehicles: 4,
            vehicles_found: 4,
            created: 1,
            created_found: 1,
            verified: 9,
            unaddressable: 2,
            twins: 1,
            gone: 1,
            not_enqueued: 1,
            ..Counts::default()
        };
        let source = OfSource { rows: 11, unreadable: 1, named: Vec::new() };
        let source = Some(&source);
        let found = |verdict| ByVerdict { verdict, all: 1, certificates: 1 };
        let right = verification(&counts, &[found(Verdict::Gone), found(Verdict::NotEnqueued)], source);
        assert!(right.equations.iter().all(|equation| equation.holds), "{right:?}");
        assert_eq!((right.by_verdict[&Verdict::Match], right.by_verdict[&Verdict::Unaddressable]), (7, 3));
        for (wrong, lost) in [
            Counts { status_rows: 7, ..counts },
            Counts { found: 4, owned: 4, unowned: 5, ..counts },
            Counts { found: 5, owned: 6, ..counts },
            Counts { vehicles_found: 3, ..counts },
            Counts { created_found: 0, ..counts },
            Counts { tallied: 7, ..counts },
        ]
        .into_iter()
        .zip([0, 1, 2, 3, 4, 5])
        {
            assert!(!verification(&wrong, &[], source).equations[lost].holds, "{lost}");
        }
        assert!(verification(&counts, &[], None).equations.is_empty());
    }
}
