//! What a person has decided since the start.

use std::fmt;

use serde::Serialize;

/// How many answers came to what; certificates that others had decided are none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Tally {
    pub(super) migrated: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
    pub(super) later: u64,
    pub(super) back: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { migrated, failed, skipped, later, back: _ } = self;
        write!(f, "{migrated} migrated, {failed} failed, {skipped} skipped, {later} left for later")
    }
}
