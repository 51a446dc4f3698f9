//! What would become of many certificates: their plans, counted. Pure, and in bounded memory whatever is in them.

mod cause;
mod fixes;
mod people;
mod reasons;
mod references;

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use certferry_certificate::{Code, Issue, Kind, Outcome, Plan, WarningCode};
use serde::Serialize;

use crate::Prepared;
use cause::Cause;
use fixes::Failing;
use people::People;
use reasons::Reasons;

pub use fixes::Fix;
pub use people::WouldCreate;
pub use reasons::{Reason, Sample};
pub use references::{Distinct, References};

/// What certificates without a field in their first issue are counted under.
const NO_FIELD: &str = "none";

/// What would become of certificates if they were migrated now.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Assessment {
    /// Certificates that were planned.
    pub certificates: u64,
    /// Those that would be migrated.
    pub would_migrate: u64,
    /// Those of them that would have a warning.
    pub would_migrate_with_warnings: u64,
    /// Those that would fail.
    pub would_fail: u64,
    /// The failing ones by the kind of their first issue.
    pub by_kind: BTreeMap<Kind, u64>,
    /// The failing ones by the code of their first issue.
    pub by_code: BTreeMap<Code, u64>,
    /// The failing ones by the field of their first issue; `none` where that has none.
    pub by_field: BTreeMap<String, u64>,
    /// Warnings of certificates that would be migrated.
    pub warnings: BTreeMap<WarningCode, u64>,
    /// People that the destination would get.
    pub would_create: WouldCreate,
    /// Unmapped customers that would be matched by their trade licences.
    pub would_match_customers: u64,
    /// Why certificates would fail, with samples.
    pub reasons: Vec<Reason>,
    /// What to mend first.
    pub fixes: Vec<Fix>,
    /// How many of those that would fail the fixes resolve together.
    pub fixes_resolve: u64,
    /// The same in per cent; none when nothing would fail.
    pub fixes_resolve_percent: Option<f64>,
}

/// Counts what becomes of certificates, which are to be added by ascending id.
///
/// Of several with one number the first that could be migrated has it, as a worker would have it.
#[derive(Debug, Default)]
pub struct Assessor {
    hashes: RandomState,
    /// The hashes of the numbers of certificates that would be migrated.
    numbers: HashSet<u64>,
    assessment: Assessment,
    people: People,
    reasons: Reasons,
    failing: Failing,
    references: References,
}

impl Assessor {
    /// Adds a certificate.
    pub fn add(&mut self, certificate: &Prepared) {
        self.assessment.certificates += 1;
        if let Some(record) = &certificate.record {
            self.references.add(record);
        }
        match &certificate.outcome {
            Outcome::Migrate(plan) if self.numbers.insert(self.hash(&plan.certificate_number)) => self.migrate(plan),
            Outcome::Migrate(plan) => self.fail(certificate, &[certferry_store::number_taken(plan, None).issue]),
            Outcome::Fail(issues) => self.fail(certificate, issues),
        }
    }

    fn migrate(&mut self, plan: &Plan) {
        self.assessment.would_migrate += 1;
        self.assessment.would_migrate_with_warnings += u64::from(!plan.warnings.is_empty());
        for warning in &plan.warnings {
            *self.assessment.warnings.entry(warning.code).or_default() += 1;
        }
        self.people.add(plan, &self.hashes);
    }

    fn fail(&mut self, certificate: &Prepared, issues: &[Issue]) {
        self.assessment.would_fail += 1;
        if let Some(first) = issues.first() {
            *self.assessment.by_kind.entry(first.kind).or_default() += 1;
            *self.assessment.by_code.entry(first.code).or_default() += 1;
            let field = first.field.as_deref().unwrap_or(NO_FIELD);
            match self.assessment.by_field.get_mut(field) {
                Some(certificates) => *certificates += 1,
                None => drop(self.assessment.by_field.insert(field.to_owned(), 1)),
            }
        }
        self.reasons.add(certificate.id, issues);
        let mut causes: Vec<(Cause, Code)> =
            issues.iter().flat_map(|issue| Cause::of(issue).into_iter().map(|cause| (cause, issue.code))).collect();
        let is_taken = issues.iter().any(|issue| issue.code == Code::UniqueViolation);
        let mut needed = certificate.identity.certificate_number.as_ref().filter(|_| !is_taken);
        if let (Some(number), Some(_)) = (needed, certificate.number_holder) {
            // No issue says so, as it would not be written anyway; mending the others alone does not help.
            causes.push((Cause::Number(number.clone()), Code::UniqueViolation));
            needed = None;
        }
        let needed = needed.map(|number| self.hash(number));
        self.failing.add(causes, needed);
    }

    fn hash(&self, number: &str) -> u64 {
        self.hashes.hash_one(number)
    }

    /// How many certificates would be migrated and would fail, so far.
    #[must_use]
    pub fn outcomes(&self) -> (u64, u64) {
        (self.assessment.would_migrate, self.assessment.would_fail)
    }

    /// Everything, and whom the certificates refer to.
    #[must_use]
    pub fn finish(self) -> (Assessment, References) {
        let Self { numbers, mut assessment, people, reasons, failing, references, .. } = self;
        assessment.would_create = people.would_create();
        assessment.would_match_customers = people.would_match();
        assessment.reasons = reasons.sorted();
        assessment.fixes = failing.fixes(|number| numbers.contains(&number));
        assessment.fixes_resolve = assessment.fixes.iter().map(|fix| fix.would_migrate).sum();
        assessment.fixes_resolve_percent = percent(assessment.fixes_resolve, assessment.would_fail);
        (assessment, references)
    }
}

/// `part` of `whole` in per cent, to a tenth and never rounded up to all of it; none of nothing.
#[must_use]
pub fn percent(part: u64, whole: u64) -> Option<f64> {
    let tenths = (part * 1000).checked_div(whole)?;
    u32::try_from(tenths).ok().map(|tenths| f64::from(tenths) / 10.0)
}

#[cfg(test)]
mod tests;
