use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use certferry_certificate::{Code, Issue};

use crate::metrics::Metrics;

/// What this process has done so far.
#[derive(Debug)]
pub(crate) struct Tally {
    migrated: AtomicU64,
    failed: AtomicU64,
    postponed: AtomicU64,
    late: AtomicU64,
    pub(crate) metrics: Metrics,
}

/// Certificates by the code of their first issue.
pub(crate) type ByCode = BTreeMap<Code, usize>;

/// What became of the certificates of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) migrated: usize,
    pub(crate) failed: ByCode,
    pub(crate) postponed: usize,
    /// Those of the postponed ones whose attempt counts.
    pub(crate) retried: ByCode,
    pub(crate) late: usize,
    /// Those that wait for a lock of others; they are among the postponed ones.
    pub(crate) locked: usize,
    /// Whether the database refused something that only writing it could show.
    pub(crate) is_surprised: bool,
    /// The code of one that was postponed.
    pub(crate) postponed_for: Option<Code>,
}

impl Counts {
    /// One more has failed, for these reasons.
    pub(crate) fn fail(&mut self, issues: &[Issue]) {
        let code = issues.first().map_or(Code::Unexpected, |issue| issue.code);
        *self.failed.entry(code).or_default() += 1;
    }

    /// How many have failed.
    pub(crate) fn failed(&self) -> usize {
        self.failed.values().sum()
    }

    /// The code for which nothing got through, where nothing did though something might have.
    pub(crate) fn got_nothing_through(&self) -> Option<Code> {
        self.postponed_for.filter(|_| self.migrated == 0)
    }
}

impl Tally {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self {
            migrated: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            postponed: AtomicU64::new(0),
            late: AtomicU64::new(0),
            metrics,
        }
    }

    pub(crate) fn add(&self, counts: &Counts) {
        self.migrated.fetch_add(counts.migrated as u64, Ordering::Relaxed);
        self.failed.fetch_add(counts.failed() as u64, Ordering::Relaxed);
        self.postponed.fetch_add(counts.postponed as u64, Ordering::Relaxed);
        self.late.fetch_add(counts.late as u64, Ordering::Relaxed);
        self.metrics.add(counts);
    }

    /// How many certificates came to an end.
    pub(crate) fn settled(&self) -> u64 {
        self.migrated.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed)
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [migrated, failed, postponed, late] =
            [&self.migrated, &self.failed, &self.postponed, &self.late].map(|count| count.load(Ordering::Relaxed));
        write!(f, "migrated {migrated}, failed {failed}")?;
        if postponed > 0 {
            write!(f, ", tried again later {postponed}")?;
        }
        if late > 0 {
            write!(f, ", already finished by others {late}")?;
        }
        Ok(())
    }
}
