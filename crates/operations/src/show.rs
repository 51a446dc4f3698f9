//! Everything about one certificate.

use certferry_certificate::{Code, Issue, LegacyCertificate, OldId, Outcome, Plan, Warning};
use certferry_migration::Planner;
use certferry_store::{Attempt, Database, ReportRow, StoredIssue, StoredWarning};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::Error;

/// Everything about one certificate: the document of `producer show --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// Its legacy id.
    pub certificate_id: OldId,
    /// Its state; none where it was never enqueued.
    pub state: Option<String>,
    /// The run that queued it last.
    pub run: Option<i64>,
    /// What it is called in the source, once known.
    pub certificate_number: Option<String>,
    /// The ECU number of its device, once known.
    pub ecu_number: Option<String>,
    /// The ids in the destination.
    pub new_certificate_id: Option<i64>,
    /// The vehicle's id in the destination.
    pub new_vehicle_id: Option<i64>,
    /// Why it failed.
    pub issues: Vec<StoredIssue>,
    /// What was left out when it was migrated.
    pub warnings: Vec<StoredWarning>,
    /// Why a person set it aside.
    pub reason: Option<String>,
    /// When it was queued last.
    pub enqueued_at: Option<DateTime<Utc>>,
    /// All that became of it, the oldest first.
    pub attempts: Vec<Attempt>,
    /// Its row in the source, as it is now; none where it is gone, or the source was not asked.
    pub source: Option<LegacyCertificate>,
    /// What it would become now; none where it would fail.
    pub plan: Option<Box<Plan>>,
    /// What is wrong with it now.
    pub plan_issues: Vec<Issue>,
    /// What would be left out of it now.
    pub plan_warnings: Vec<Warning>,
    /// What the destination has of it.
    pub destination: Option<Value>,
}

impl Shown {
    /// A certificate of which nothing is known yet.
    fn new(id: OldId) -> Self {
        Self {
            certificate_id: id,
            state: None,
            run: None,
            certificate_number: None,
            ecu_number: None,
            new_certificate_id: None,
            new_vehicle_id: None,
            issues: Vec::new(),
            warnings: Vec::new(),
            reason: None,
            enqueued_at: None,
            attempts: Vec::new(),
            source: None,
            plan: None,
            plan_issues: Vec::new(),
            plan_warnings: Vec::new(),
            destination: None,
        }
    }

    /// Adds what the status row says; the last that became of the certificate is an attempt, too.
    fn add_status(&mut self, row: ReportRow) {
        if let Some(at) = row.finished_at {
            self.attempts.push(Attempt {
                at,
                run: row.run_id,
                worker: row.worker,
                outcome: row.state.clone(),
                reason: row.reason.clone(),
                issues: row.issues.clone(),
            });
        }
        self.state = Some(row.state);
        self.run = row.run_id;
        self.certificate_number = row.certificate_number;
        self.ecu_number = row.ecu_number;
        self.new_certificate_id = row.new_certificate_id.map(|id| id.0);
        self.new_vehicle_id = row.new_vehicle_id.map(|id| id.0);
        self.issues = row.issues;
        self.warnings = row.warnings;
        self.reason = row.reason;
        self.enqueued_at = Some(row.enqueued_at);
    }

    /// Adds the source's row and what would become of it now. Its own number in the destination is not taken.
    async fn add_plan(&mut self, planner: &Planner) -> Result<(), Error> {
        let (mut prepared, begun) = planner.prepare(&[self.certificate_id]).await?;
        begun.transaction.rollback().await?;
        let Some(certificate) = prepared.pop() else { return Ok(()) };
        self.source = certificate.record;
        match certificate.outcome {
            Outcome::Fail(issues) => self.plan_issues = issues,
            Outcome::Migrate(plan) => {
                let holder = begun.taken.get(&plan.certificate_number).copied();
                if let Some(holder) = holder.filter(|holder| Some(holder.0) != self.new_certificate_id) {
                    self.plan_issues.push(certferry_store::number_taken(&plan, Some(holder)).issue);
                } else {
                    self.plan_warnings.clone_from(&plan.warnings);
                    self.plan = Some(plan);
                }
            }
        }
        Ok(())
    }

    /// Whether the status table or the source has it.
    fn is_somewhere(&self) -> bool {
        let is_gone = self.plan_issues.iter().any(|issue| issue.code == Code::CertificateNotFound);
        self.state.is_some() || self.source.is_some() || !(self.plan_issues.is_empty() || is_gone)
    }
}

/// Everything about one certificate; none where neither the status table nor the source has it. Without a planner the source is
/// not asked.
pub async fn show(database: &Database, planner: Option<&Planner>, id: OldId) -> Result<Option<Shown>, Error> {
    let mut shown = Shown::new(id);
    let mut snapshot = database.begin_snapshot().await?;
    shown.attempts = certferry_store::history(&mut snapshot, id).await?;
    if let Some(row) = certferry_store::status_row(&mut snapshot, id).await? {
        if let Some(new_id) = row.new_certificate_id {
            shown.destination = certferry_store::destination_row(&mut snapshot, new_id, row.new_vehicle_id).await?;
        }
        shown.add_status(row);
    }
    snapshot.rollback().await?;
    if let Some(planner) = planner {
        shown.add_plan(planner).await?;
    }
    Ok(shown.is_somewhere().then_some(shown))
}
