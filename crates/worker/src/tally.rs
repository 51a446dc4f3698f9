use std::sync::atomic::{AtomicU64, Ordering};

use certferry_certificate::Code;

/// What this process has done so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    migrated: AtomicU64,
    failed: AtomicU64,
    postponed: AtomicU64,
    late: AtomicU64,
}

/// What became of the certificates of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) migrated: usize,
    pub(crate) failed: usize,
    pub(crate) postponed: usize,
    pub(crate) late: usize,
    /// Those that wait for a lock of others; they are among the postponed ones.
    pub(crate) locked: usize,
    /// Whether the database refused something that only writing it could show.
    pub(crate) is_surprised: bool,
    /// The code of one that was postponed.
    pub(crate) postponed_for: Option<Code>,
}

impl Counts {
    /// The code for which nothing got through, where nothing did though something might have.
    pub(crate) fn got_nothing_through(&self) -> Option<Code> {
        self.postponed_for.filter(|_| self.migrated == 0)
    }
}

impl Tally {
    pub(crate) fn add(&self, counts: Counts) {
        self.migrated.fetch_add(counts.migrated as u64, Ordering::Relaxed);
        self.failed.fetch_add(counts.failed as u64, Ordering::Relaxed);
        self.postponed.fetch_add(counts.postponed as u64, Ordering::Relaxed);
        self.late.fetch_add(counts.late as u64, Ordering::Relaxed);
    }
}

impl Tally {
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
