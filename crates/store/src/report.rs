//! The status table as the report shows it, row by row, and what a report says beside the rows.

mod accounts;
mod causes;
mod people;
mod throughput;

use certferry_certificate::{Filter, NewId, OldId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::Error;
use crate::filter::Arguments;
pub use accounts::{CertificateState, can_read_destination, lost_certificates, states_page};
pub use causes::{ValueCause, ValueCauses, causes_by_value};
pub use people::{Person, people_page};
pub use throughput::{Interval, Throughput, throughput};

/// A row of the status table, as stored.
///
/// States, kinds and codes are text here and not the types of the rules: a report must come out even where a newer
/// Certferry wrote a code that this one does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the columns are explained in rules.md, The status table")]
pub struct ReportRow {
    pub certificate_id: OldId,
    pub state: String,
    pub certificate_number: Option<String>,
    pub ecu_number: Option<String>,
    pub new_certificate_id: Option<NewId>,
    pub new_vehicle_id: Option<NewId>,
    pub attempts: i32,
    pub error_kind: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub issues: Vec<StoredIssue>,
    pub warnings: Vec<StoredWarning>,
    pub run_id: Option<i64>,
    pub reason: Option<String>,
    pub worker: Option<String>,
    pub enqueued_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// One of a failed certificate's issues, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are explained in rules.md, The status table")]
pub struct StoredIssue {
    pub kind: String,
    pub code: String,
    #[serde(default)]
    pub field: Option<String>,
    pub message: String,
    #[serde(default)]
    pub raw: Option<String>,
}

/// One of a migrated certificate's warnings, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are explained in rules.md, The status table")]
pub struct StoredWarning {
    pub code: String,
    pub message: String,
}

/// Which certificates a report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// What their status rows must say.
    pub filter: Filter,
    /// They were finished at this time or later, or enqueued where they are still queued.
    pub since: Option<DateTime<Utc>>,
}

impl Scope {
    /// Whether it is all certificates that were ever enqueued.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing but the run, if anything, decides which certificates they are; the run then.
    #[must_use]
    pub fn only_run(&self) -> Option<Option<i64>> {
        let run = self.filter.run;
        let of_run = Self { filter: Filter { run, ..Filter::default() }, since: None };
        (*self == of_run).then_some(run)
    }
}

/// The next `size` certificates of `scope` after the id `after`, by ascending id; fewer only at the end.
///
/// A report reads all its pages in one [`crate::Database::begin_snapshot`], so that they belong together.
pub async fn report_page(
    connection: &mut PgConnection,
    scope: &Scope,
    after: Option<OldId>,
    size: i64,
) -> Result<Vec<ReportRow>, Error> {
    let Arguments { states, kinds, codes, fields, ecu_numbers, ids, run } = Arguments::of(&scope.filter);
    let rows = sqlx::query_file!(
        "queries/report_page.sql",
        states as _,
        kinds as _,
        codes as _,
        fields as _,
        ecu_numbers as _,
        ids as _,
        run,
        scope.since,
        after.map(|id| id.0),
        size,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| Error::new("read the status table", error))?;
    Ok(rows
        .into_iter()
        .map(|row| ReportRow {
            certificate_id: OldId(row.certificate_id),
            state: row.state,
            certificate_number: row.certificate_number,
            ecu_number: row.ecu_number,
            new_certificate_id: row.new_certificate_id.map(NewId),
            new_vehicle_id: row.new_vehicle_id.map(NewId),
            attempts: row.attempts,
            error_kind: row.error_kind,
            error_code: row.error_code,
            error_message: row.error_message,
            issues: row.issues.0,
            warnings: row.warnings.0,
            run_id: row.run_id,
            reason: row.reason,
            worker: row.worker,
            enqueued_at: row.enqueued_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
        .collect())
}
