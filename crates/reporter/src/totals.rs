//! The counts of a report, taken from the very rows that it shows, so that they add up with them.

use std::collections::BTreeMap;

use certferry_certificate::State;
use certferry_store::{CodeCount, LastFailed, ReportRow, Summary};

/// What the rows seen so far come to.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    counted: Summary,
    by_code: BTreeMap<(String, String), i64>,
    by_warning: BTreeMap<String, i64>,
    /// Rows whose state another version of Certferry wrote.
    unknown: i64,
}

/// Certificates that were migrated with a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WarningCount {
    pub(crate) code: String,
    pub(crate) certificates: i64,
}

/// The counts of all rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counted {
    pub(crate) summary: Summary,
    /// The most frequent first.
    pub(crate) warnings: Vec<WarningCount>,
    pub(crate) unknown: i64,
}

impl Totals {
    pub(crate) fn add(&mut self, row: &ReportRow) {
        let counted = &mut self.counted;
        match State::parse(&row.state) {
            Some(State::Queued) => counted.queued += 1,
            Some(State::Migrated) => counted.migrated += 1,
            Some(State::Failed) => self.add_failed(row),
            Some(State::Skipped) => counted.skipped += 1,
            Some(State::Reverted) => counted.reverted += 1,
            None => self.unknown += 1,
        }
        let counted = &mut self.counted;
        counted.first_enqueued_at = counted.first_enqueued_at.into_iter().chain([row.enqueued_at]).min();
        if let Some(started_at) = row.started_at {
            counted.first_started_at = counted.first_started_at.into_iter().chain([started_at]).min();
            counted.last_finished_at = counted.last_finished_at.max(row.finished_at);
        }
        // A certificate counts once under each of its codes.
        for (place, warning) in row.warnings.iter().enumerate() {
            if row.warnings[..place].iter().all(|earlier| earlier.code != warning.code) {
                *self.by_warning.entry(warning.code.clone()).or_default() += 1;
            }
        }
    }

    fn add_failed(&mut self, row: &ReportRow) {
        self.counted.failed += 1;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (kind, code) = (text(&row.error_kind), text(&row.error_code));
        let is_later = |at| {
            let last = self.counted.last_failed.as_ref();
            last.is_none_or(|last| (last.at, last.certificate_id) < (at, row.certificate_id))
        };
        if let Some(at) = row.finished_at.filter(|at| is_later(*at)) {
            let message = text(&row.error_message);
            self.counted.last_failed =
                Some(LastFailed { certificate_id: row.certificate_id, code: code.clone(), message, at });
        }
        *self.by_code.entry((kind, code)).or_default() += 1;
    }

    pub(crate) fn finish(self) -> Counted {
        let mut summary = self.counted;
        let by_code = self.by_code.into_iter();
        summary.by_code = by_code.map(|((kind, code), certificates)| CodeCount { kind, code, certificates }).collect();
        summary
            .by_code
            .sort_by(|one, other| other.certificates.cmp(&one.certificates).then_with(|| one.code.cmp(&other.code)));
        let by_warning = self.by_warning.into_iter();
        let mut warnings: Vec<_> = by_warning.map(|(code, certificates)| WarningCount { code, certificates }).collect();
        warnings.sort_by_key(|warning| std::cmp::Reverse(warning.certificates));
        Counted { summary, warnings, unknown: self.unknown }
    }
}
