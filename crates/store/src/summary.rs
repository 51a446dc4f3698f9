//! The status table in figures: the same ones in `producer status` and in the report.

use std::collections::BTreeMap;
use std::time::Duration;

use certferry_certificate::{OldId, State};
use chrono::{DateTime, Utc};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use sqlx::PgConnection;

use crate::Error;
use crate::filter::state;

/// How far the migration is, or one run of it. Every certificate ever enqueued is in exactly one of the states.
///
/// It serializes to the keys that `producer status --json` and `reporter --json` share.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Summary {
    /// Waiting, running or waiting for another attempt.
    pub queued: i64,
    /// In the destination.
    pub migrated: i64,
    /// Given up, with a reason.
    pub failed: i64,
    /// Set aside by a person.
    pub skipped: i64,
    /// Migrated, and taken back by a person.
    pub reverted: i64,
    /// The failed ones by their first issue; the most frequent code first. Adds up to `failed`.
    pub by_code: Vec<CodeCount>,
    /// The failed certificate that finished last.
    pub last_failed: Option<LastFailed>,
    /// Results that came after another worker's and changed nothing: so often a worker was thought dead and came back.
    pub late_results: i64,
    /// When the first certificate was enqueued.
    pub first_enqueued_at: Option<DateTime<Utc>>,
    /// When the first job began.
    pub first_started_at: Option<DateTime<Utc>>,
    /// When the last certificate that a worker took up was finished.
    pub last_finished_at: Option<DateTime<Utc>>,
    /// The database's time of all this; none while nothing was ever enqueued.
    pub as_of: Option<DateTime<Utc>>,
}

/// Failed certificates with one code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCount {
    /// The kind the code belongs to.
    pub kind: String,
    /// The code of their first issue.
    pub code: String,
    /// How many.
    pub certificates: i64,
}

/// A failed certificate in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastFailed {
    /// Its legacy id.
    pub certificate_id: OldId,
    /// The code of its first issue.
    pub code: String,
    /// The message of its first issue.
    pub message: String,
    /// When it failed.
    pub at: DateTime<Utc>,
}

impl Summary {
    /// Every certificate ever enqueued.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.queued + self.migrated + self.failed + self.skipped + self.reverted
    }

    /// Every certificate that is not in the destination.
    #[must_use]
    pub fn unmigrated(&self) -> i64 {
        self.total() - self.migrated
    }

    /// Migrated of those that were tried to the end (migrated or failed), from 0 to 1; 0 while there are none.
    ///
    /// What is still queued says nothing yet and what a person skipped is no failure, so neither counts: the rate of a
    /// running migration is comparable with that of a finished one.
    #[must_use]
    pub fn success_rate(&self) -> f64 {
        ratio(self.migrated, self.migrated + self.failed)
    }

    /// How much of the work is behind us, from 0 to 1: certificates no longer queued, of all; 0 while there are none.
    #[must_use]
    pub fn progress(&self) -> f64 {
        ratio(self.total() - self.queued, self.total())
    }

    /// From the first job's beginning to the last certificate's end.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        (self.last_finished_at? - self.first_started_at?).to_std().ok()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
fn ratio(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut keys = serializer.serialize_struct("Summary", 13)?;
        keys.serialize_field("total", &self.total())?;
        keys.serialize_field("queued", &self.queued)?;
        keys.serialize_field("migrated", &self.migrated)?;
        keys.serialize_field("failed", &self.failed)?;
        keys.serialize_field("skipped", &self.skipped)?;
        keys.serialize_field("reverted", &self.reverted)?;
        keys.serialize_field("success_rate", &self.success_rate())?;
        let by_code: BTreeMap<&str, i64> =
            self.by_code.iter().map(|count| (count.code.as_str(), count.certificates)).collect();
        keys.serialize_field("by_code", &by_code)?;
        keys.serialize_field("last_failed", &self.last_failed)?;
        keys.serialize_field("late_results", &self.late_results)?;
        keys.serialize_field("first_enqueued_at", &self.first_enqueued_at)?;
        keys.serialize_field("first_started_at", &self.first_started_at)?;
        keys.serialize_field("last_finished_at", &self.last_finished_at)?;
        keys.end()
    }
}

/// The status table in figures, or what became of the certificates of one run. Its statements see the same moment when
/// `connection` is in a [`crate::Database::begin_snapshot`].
pub async fn summary(connection: &mut PgConnection, run: Option<i64>) -> Result<Summary, Error> {
    let doing = "count the status table";
    let groups = sqlx::query_file!("queries/summary_counts.sql", run)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| Error::new(doing, error))?;
    let mut summary = Summary::default();
    for group in groups {
        let state = state(&group.state, doing)?;
        *match state {
            State::Queued => &mut summary.queued,
            State::Migrated => &mut summary.migrated,
            State::Failed => &mut summary.failed,
            State::Skipped => &mut summary.skipped,
            State::Reverted => &mut summary.reverted,
        } += group.certificates;
        if state == State::Failed
            && group.certificates != 0
            && let (Some(kind), Some(code)) = (group.error_kind, group.error_code)
        {
            summary.by_code.push(CodeCount { kind, code, certificates: group.certificates });
        }
        summary.first_enqueued_at = earlier(summary.first_enqueued_at, group.first_enqueued_at);
        summary.first_started_at = earlier(summary.first_started_at, group.first_started_at);
        summary.last_finished_at = summary.last_finished_at.max(group.last_finished_at);
        summary.as_of = Some(group.as_of);
    }
    summary.last_failed = sqlx::query_file!("queries/summary_last_failed.sql", run)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| Error::new("find the last failed certificate", error))?
        .map(|row| LastFailed {
            certificate_id: OldId(row.certificate_id),
            code: row.code,
            message: row.message,
            at: row.at,
        });
    summary.late_results = sqlx::query_file_scalar!("queries/summary_late_results.sql")
        .fetch_one(connection)
        .await
        .map_err(|error| Error::new("count late results", error))?;
    Ok(summary)
}

fn earlier(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_of_what_was_tried_to_the_end() {
        let summary = Summary { queued: 50, migrated: 30, failed: 10, skipped: 10, ..Summary::default() };
        assert_eq!((summary.total(), summary.unmigrated()), (100, 70));
        assert!((summary.success_rate() - 0.75).abs() < 1e-9);
        assert!((summary.progress() - 0.5).abs() < 1e-9);
        let nothing = Summary::default();
        assert!(nothing.success_rate().abs() < 1e-9 && nothing.progress().abs() < 1e-9);
    }

    #[test]
    fn the_keys_are_those_of_the_contract() {
        let summary = Summary {
            failed: 1,
            by_code: vec![CodeCount { kind: "mapping".to_owned(), code: "missing_device".to_owned(), certificates: 1 }],
            last_failed: Some(LastFailed {
                certificate_id: OldId(7),
                code: "missing_device".to_owned(),
                message: "no device".to_owned(),
                at: DateTime::UNIX_EPOCH,
            }),
            ..Summary::default()
        };
        let json = serde_json::to_value(&summary).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "total": 1, "queued": 0, "migrated": 0, "failed": 1, "skipped": 0, "reverted": 0, "success_rate": 0.0,
                "by_code": {"missing_device": 1},
                "last_failed": {
                    "certificate_id": 7, "code": "missing_device", "message": "no device", "at": "1970-01-01T00:00:00Z"
                },
                "late_results": 0, "first_enqueued_at": null, "first_started_at": null, "last_finished_at": null,
            })
        );
    }
}
