//! The documents of `--json`: one a line. `commands.md`, one-by-one.

use std::fmt;

use certferry_bootstrap::visible::visible;
use certferry_certificate::{Issue, LegacyCertificate, NewId, OldId, Outcome, Plan, Remedy, Warning};
use certferry_operations::Seen;
use serde::Serialize;

use super::tally::Tally;
use crate::metrics::Metrics;
use crate::tally::Counts;

/// A certificate that is to be decided.
#[derive(Debug, Serialize)]
pub(super) struct ToDecide<'a> {
    certificate_id: OldId,
    /// None where it was never enqueued.
    state: Option<&'a str>,
    source: Option<&'a LegacyCertificate>,
    /// None where it would fail.
    plan: Option<&'a Plan>,
    issues: Vec<IssueToMend<'a>>,
    warnings: &'a [Warning],
    /// Why it is asked about again; none the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_again: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct IssueToMend<'a> {
    #[serde(flatten)]
    issue: &'a Issue,
    remedy: String,
}

impl<'a> ToDecide<'a> {
    pub(super) fn of(seen: &'a Seen, asked_again: Option<&'a str>) -> Self {
        let (plan, issues): (_, &[Issue]) = match &seen.prepared.outcome {
            Outcome::Migrate(plan) => (Some(plan.as_ref()), &[]),
            Outcome::Fail(issues) => (None, issues),
        };
        let to_mend = |issue: &'a Issue| IssueToMend { issue, remedy: Remedy::of(issue.code.as_str()).in_short };
        Self {
            certificate_id: seen.id(),
            state: seen.status.as_ref().map(|row| row.state.as_str()),
            source: seen.prepared.record.as_ref(),
            plan,
            issues: issues.iter().map(to_mend).collect(),
            warnings: plan.map_or(&[], |plan| &plan.warnings),
            asked_again,
        }
    }
}

/// What an answer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutcomeOfAnswer {
    Migrated,
    Failed,
    Skipped,
    Later,
    Back,
}

/// What came of an answer.
#[derive(Debug, Serialize)]
pub(super) struct Answered {
    pub(super) certificate_id: OldId,
    pub(super) outcome: OutcomeOfAnswer,
    pub(super) new_certificate_id: Option<NewId>,
    pub(super) issues: Vec<Issue>,
    pub(super) warnings: Vec<Warning>,
    /// What there is to say of it; where nothing was changed, why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// Whether the person decided it now: the tally counts no certificate that was decided before, or elsewhere.
    #[serde(skip)]
    pub(super) is_own: bool,
}

impl Answered {
    pub(super) fn of(certificate_id: OldId, outcome: OutcomeOfAnswer) -> Self {
        Self {
            certificate_id,
            outcome,
            new_certificate_id: None,
            issues: Vec::new(),
            warnings: Vec::new(),
            message: None,
            is_own: true,
        }
    }

    /// Counts it, unless it was decided before or elsewhere.
    pub(super) fn count(&self, tally: &mut Tally) {
        if !self.is_own {
            return;
        }
        *match self.outcome {
            OutcomeOfAnswer::Migrated => &mut tally.migrated,
            OutcomeOfAnswer::Failed => &mut tally.failed,
            OutcomeOfAnswer::Skipped => &mut tally.skipped,
            OutcomeOfAnswer::Later => &mut tally.later,
            OutcomeOfAnswer::Back => &mut tally.back,
        } += 1;
    }

    /// Measures it, as a worker's result is, unless it was decided before or elsewhere.
    pub(super) fn measure(&self, metrics: &Metrics) {
        let mut counts = Counts::default();
        match self.outcome {
            OutcomeOfAnswer::Migrated if self.is_own => counts.migrated = 1,
            OutcomeOfAnswer::Failed if self.is_own => counts.fail(&self.issues),
            OutcomeOfAnswer::Skipped if self.is_own => metrics.add_skipped(),
            _ => return,
        }
        metrics.add(&counts);
    }
}

/// The last document.
#[derive(Debug, Serialize)]
pub(super) struct Last {
    pub(super) tally: Tally,
}

/// The same for a person, in a line or two.
impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.certificate_id;
        match (self.outcome, self.new_certificate_id) {
            (OutcomeOfAnswer::Migrated, Some(new_id)) => write!(f, "→ migrated: certificate {id} is {new_id} now")?,
            (OutcomeOfAnswer::Migrated, None) => write!(f, "→ migrated: certificate {id}")?,
            (OutcomeOfAnswer::Failed, _) => {
                let codes: Vec<&str> = self.issues.iter().map(|issue| issue.code.as_str()).collect();
                write!(f, "→ recorded as failed: certificate {id}, {}", codes.join(", "))?;
            }
            (OutcomeOfAnswer::Skipped, _) => write!(f, "→ skipped: certificate {id}")?,
            (OutcomeOfAnswer::Later, _) => write!(f, "→ later: certificate {id}")?,
            (OutcomeOfAnswer::Back, _) => f.write_str("→ back")?,
        }
        for warning in &self.warnings {
            write!(f, "; warning {}", warning.code.as_str())?;
        }
        if let Some(message) = &self.message {
            write!(f, "; {}", visible(message))?;
        }
        Ok(())
    }
}
