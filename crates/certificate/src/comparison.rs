//! A certificate held against what was written of it, what the destination has now and what would be written today:
//! `rules.md`, Afterwards.

mod planned;

use std::collections::BTreeSet;

use crate::columns::{CERTIFICATE_COLUMNS, ColumnValue, Digest, VEHICLE_COLUMNS};
use crate::evidence::{WrittenColumns, person_digests};
use crate::{
    Evidence, Finding, LegacyCertificate, NewId, OldId, Outcome, PersonColumns, Plan, RulesFingerprint, State, Status,
    StoredCertificate, Verdict, WarningCode, identity,
};
use planned::{Planned, raw_of, raw_of_vehicle};

/// The place of the status among the columns of a certificate.
const STATUS: usize = 7;

/// What the status table says of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The legacy id.
    pub id: OldId,
    /// Its state.
    pub state: State,
    /// The number that was recorded.
    pub certificate_number: Option<String>,
    /// The ECU number that was recorded.
    pub ecu_number: Option<String>,
    /// The certificate of the destination.
    pub new_certificate_id: Option<NewId>,
    /// Its vehicle.
    pub new_vehicle_id: Option<NewId>,
    /// Code and field of each issue.
    pub issues: Vec<(String, Option<String>)>,
    /// The code of each warning.
    pub warnings: Vec<String>,
    /// What was kept, byte by byte; none where it was imported, or an older version kept nothing.
    pub evidence: Option<Vec<u8>>,
}

/// What the destination has of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Present {
    /// The certificate with the recorded id, and the vehicle with the recorded id.
    pub certificate: Option<StoredCertificate>,
    /// The certificate that the vehicle belongs to.
    pub vehicle_of: Option<i64>,
    /// Whether the certificate's device is blocked.
    pub device_is_blocked: Option<bool>,
}

/// What the source and the plan say of a certificate today.
#[derive(Clone, Copy, Debug)]
pub enum Today<'a> {
    /// The source does not have it any more.
    Gone,
    /// Several rows of the source have its id, or its row is too large to be read.
    Unread,
    /// Its row, and what would become of it.
    Row(&'a LegacyCertificate, &'a Outcome),
}

/// Holds certificates against what is there.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The columns that users of the destination may change, such as `certificate.remarks`.
    pub editable: BTreeSet<String>,
    /// The rules that plans are made by today.
    pub rules: RulesFingerprint,
}

/// How a value has moved since it was written.
struct Moved {
    /// The destination has another.
    in_destination: bool,
    /// The plan has another.
    in_plan: bool,
    /// The destination has what the plan says.
    is_alike: bool,
}

impl Comparison {
    /// What there is to say of a certificate; nothing when all agree.
    #[must_use]
    pub fn findings(&self, recorded: &Recorded, present: &Present, today: Today<'_>) -> Vec<Finding> {
        let mut of = OfCertificate { comparison: self, recorded, source_changed: false, findings: Vec::new() };
        if matches!(today, Today::Gone) {
            of.add(Verdict::Gone, None, None, None, None);
        }
        match recorded.state {
            State::Migrated => of.migrated(present, today),
            State::Failed => of.failed(today),
            State::Queued | State::Skipped | State::Reverted => {}
        }
        of.findings
    }

    /// What there is to say of a customer or technician that the migration created. `found` is none where it is gone, `planned`
    /// where the source does not have it, or it could not be created any more.
    #[must_use]
    pub fn person(
        &self,
        certificate_id: Option<OldId>,
        evidence: &[u8],
        found: Option<&PersonColumns<'_>>,
        planned: Option<&PersonColumns<'_>>,
        entity: &str,
    ) -> Vec<Finding> {
        let finding = |verdict, field: &str, expected, found| Finding {
            certificate_id,
            new_certificate_id: None,
            verdict,
            field: Some(field.to_owned()),
            raw: None,
            expected,
            found,
        };
        let Some(found) = found else { return vec![finding(Verdict::Missing, entity, None, None)] };
        let Some(written) = person_digests(evidence) else {
            return vec![finding(Verdict::Suspect, &format!("{entity}.evidence"), None, None)];
        };
        let planned = planned.map(PersonColumns::values);
        let columns = found.fields().into_iter().zip(written).zip(found.values()).enumerate();
        let judged = columns.filter_map(|(at, ((field, written), value))| {
            let planned = planned.as_ref().map_or(Planned::Unknown, |planned| Planned::Value(planned[at]));
            // Only the source can make another plan of a person.
            let verdict = self.judge(&moved(written, value, planned), true, field)?;
            Some(finding(verdict, field, planned.shown(), value.shown()))
        });
        judged.collect()
    }

    fn judge(&self, moved: &Moved, source_changed: bool, field: &str) -> Option<Verdict> {
        let is_editable = self.editable.contains(field);
        match moved {
            Moved { in_destination: false, in_plan: false, .. } | Moved { is_alike: true, .. } => None,
            Moved { in_destination: false, .. } if source_changed => Some(Verdict::Stale),
            Moved { in_destination: false, .. } => Some(Verdict::RulesChanged),
            Moved { in_plan: true, .. } if source_changed => Some(Verdict::Conflict),
            Moved { in_plan: true, .. } if is_editable => Some(Verdict::RulesChanged),
            _ if is_editable => Some(Verdict::Edited),
            _ => Some(Verdict::Suspect),
        }
    }
}

fn moved(written: Digest, found: ColumnValue<'_>, planned: Planned<'_>) -> Moved {
    let (found, planned) = (found.digest(), planned.digest(written));
    Moved {
        in_destination: found != written,
        in_plan: planned.is_none_or(|planned| planned != written),
        is_alike: planned == Some(found),
    }
}

/// A certificate, and what there is to say of it so far.
struct OfCertificate<'a> {
    comparison: &'a Comparison,
    recorded: &'a Recorded,
    source_changed: bool,
    findings: Vec<Finding>,
}

impl OfCertificate<'_> {
    fn add(
        &mut self,
        verdict: Verdict,
        field: Option<&str>,
        raw: Option<String>,
        expected: Option<String>,
        found: Option<String>,
    ) {
        self.findings.push(Finding {
            certificate_id: Some(self.recorded.id),
            new_certificate_id: self.recorded.new_certificate_id,
            verdict,
            field: field.map(str::to_owned),
            raw,
            expected,
            found,
        });
    }

    fn failed(&mut self, today: Today<'_>) {
        let Today::Row(record, outcome) = today else { return };
        let planned: BTreeSet<(&str, Option<&str>)> = match outcome {
            Outcome::Fail(issues) => issues.iter().map(|issue| (issue.code.as_str(), issue.field.as_deref())).collect(),
            Outcome::Migrate(_) => BTreeSet::new(),
        };
        let recorded: BTreeSet<(&str, Option<&str>)> =
            self.recorded.issues.iter().map(|(code, field)| (code.as_str(), field.as_deref())).collect();
        if planned == recorded {
            return;
        }
        // What only the destination's refusal shows cannot be planned: it stands until the source row changes.
        let is_of_row = self.evidence().is_none_or(|evidence| evidence.is_of(record));
        if planned.is_empty() && is_of_row && recorded.iter().all(|(code, _)| is_refusal(code)) {
            return;
        }
        let words = |issues: &BTreeSet<(&str, Option<&str>)>| {
            let words =
                issues.iter().map(|(code, field)| field.map_or((*code).to_owned(), |f| format!("{code} ({f})")));
            Some(words.collect::<Vec<_>>().join(", ")).filter(|words| !words.is_empty())
        };
        let expected = words(&planned).or_else(|| Some("migrated".to_owned()));
        self.add(Verdict::WrongVerdict, Some("status.issues"), None, expected, words(&recorded));
    }

    fn evidence(&self) -> Option<Evidence> {
        self.recorded.evidence.as_deref().and_then(Evidence::parse)
    }

    fn migrated(&mut self, present: &Present, today: Today<'_>) {
        let Some(stored) = &present.certificate else {
            let id = self.recorded.new_certificate_id.map(|id| id.to_string());
            return self.add(Verdict::Missing, Some("certificate"), None, id, None);
        };
        if self.recorded.evidence.is_none() {
            // Nothing is known of what was written: that the certificate is there is all there is to say.
            return;
        }
        let evidence = self.evidence();
        let Some((evidence, written)) = evidence.as_ref().and_then(|it| Some((it, it.written()?))) else {
            return self.add(Verdict::Suspect, Some("status.evidence"), None, None, None);
        };
        if let Today::Row(record, _) = today {
            self.source_changed = !evidence.is_of(record);
        }
        let planned = planned::certificate(today);
        let columns = CERTIFICATE_COLUMNS.iter().zip(&written.certificate).zip(stored.values()).zip(planned);
        for (((column, written), found), planned) in columns {
            let field = format!("certificate.{column}");
            if let Some(verdict) = self.comparison.judge(&moved(*written, found, planned), self.source_changed, &field)
            {
                self.add(verdict, Some(&field), raw_of(today, column), planned.shown(), found.shown());
            }
        }
        if let Today::Row(_, Outcome::Fail(issues)) = today
            && let Some(issue) = issues.iter().find(|issue| planned::column_of(issue, today).is_none())
        {
            let verdict = if self.source_changed { Verdict::Stale } else { Verdict::RulesChanged };
            self.add(verdict, Some("certificate"), issue.raw.clone(), None, None);
        }
        self.vehicle(present, stored, written, today);
        self.device(present, stored, written, today);
        self.status_row(evidence, written, today);
    }

    fn vehicle(&mut self, present: &Present, stored: &StoredCertificate, written: &WrittenColumns, today: Today<'_>) {
        let plan = plan_of(today);
        let planned = plan.map(|plan| plan.vehicle.as_ref());
        let of_plan = if self.source_changed { Verdict::Stale } else { Verdict::RulesChanged };
        match (&written.vehicle, &stored.vehicle) {
            (Some(_), None) if self.recorded.new_vehicle_id.is_none() => {}
            (Some(_), None) if self.source_changed && planned == Some(None) => {}
            (Some(_), None) => {
                let id = self.recorded.new_vehicle_id.map(|id| id.to_string());
                self.add(Verdict::Missing, Some("vehicle"), raw_of_vehicle(today, "brand"), id, None);
            }
            (Some(written), Some(vehicle)) => {
                if present.vehicle_of != self.recorded.new_certificate_id.map(|id| id.0) {
                    let owner = present.vehicle_of.map(|id| id.to_string());
                    let expected = self.recorded.new_certificate_id.map(|id| id.to_string());
                    self.add(Verdict::Suspect, Some("vehicle.certificate_id"), None, expected, owner);
                }
                if planned == Some(None) {
                    let changed =
                        vehicle.values().iter().zip(written).any(|(value, written)| value.digest() != *written);
                    let verdict = if changed && self.source_changed { Verdict::Conflict } else { of_plan };
                    return self.add(
                        verdict,
                        Some("vehicle"),
                        raw_of_vehicle(today, "brand"),
                        None,
                        vehicle.brand.clone(),
                    );
                }
                let planned = planned::vehicle(plan);
                let columns = VEHICLE_COLUMNS.iter().zip(written).zip(vehicle.values()).zip(planned);
                for (((column, written), found), planned) in columns {
                    let field = format!("vehicle.{column}");
                    if let Some(verdict) =
                        self.comparison.judge(&moved(*written, found, planned), self.source_changed, &field)
                    {
                        self.add(verdict, Some(&field), raw_of_vehicle(today, column), planned.shown(), found.shown());
                    }
                }
            }
            (None, _) => {
                let was_refused = !self.source_changed && self.was_warned_of(WarningCode::VehicleNotCreated);
                if let Some(Some(vehicle)) = planned.filter(|_| !was_refused) {
                    let expected = Some(format!("{} {}", vehicle.brand, vehicle.model));
                    self.add(of_plan, Some("vehicle"), raw_of_vehicle(today, "brand"), expected, None);
                }
            }
        }
    }

    /// A blocked certificate blocks its device; nothing here frees one.
    fn device(&mut self, present: &Present, stored: &StoredCertificate, written: &WrittenColumns, today: Today<'_>) {
        let field = "device.is_blocked";
        let was_blocked = written.certificate[STATUS] == ColumnValue::Text(Status::Blocked.as_str()).digest();
        let plan = plan_of(today);
        let would_block = plan.map_or(was_blocked, |plan| plan.status == Status::Blocked);
        let is_same = plan.is_none_or(|plan| stored.device_id == Some(plan.device_id.0));
        if !would_block || !is_same || present.device_is_blocked != Some(false) {
            return;
        }
        let moved = Moved { in_destination: was_blocked, in_plan: !was_blocked, is_alike: false };
        if let Some(verdict) = self.comparison.judge(&moved, self.source_changed, field) {
            let (yes, no) = (Some(true.to_string()), Some(false.to_string()));
            self.add(verdict, Some(field), raw_of(today, "status"), yes, no);
        }
    }

    fn status_row(&mut self, evidence: &Evidence, written: &WrittenColumns, today: Today<'_>) {
        let recorded = self.recorded;
        let number = recorded.certificate_number.as_deref().map_or(ColumnValue::Null, ColumnValue::Text);
        if number.digest() != written.certificate[0] {
            let expected = plan_of(today).map(|plan| plan.certificate_number.clone());
            self.add(Verdict::Suspect, Some("status.certificate_number"), None, expected, number.shown());
        }
        if recorded.new_vehicle_id.is_some() != written.vehicle.is_some() {
            let found = recorded.new_vehicle_id.map(|id| id.to_string());
            self.add(Verdict::Suspect, Some("status.new_vehicle_id"), None, None, found);
        }
        let Today::Row(record, outcome) = today else { return };
        let ecu_number = identity(record).ecu_number;
        if !self.source_changed && ecu_number != recorded.ecu_number {
            let found = recorded.ecu_number.clone();
            self.add(Verdict::Suspect, Some("status.ecu_number"), None, ecu_number, found);
        }
        let Outcome::Migrate(plan) = outcome else { return };
        let refused = WarningCode::VehicleNotCreated.as_str();
        let mut planned: BTreeSet<&str> = plan.warnings.iter().map(|warning| warning.code.as_str()).collect();
        let warned: BTreeSet<&str> = recorded.warnings.iter().map(String::as_str).collect();
        // A refusal of the destination is in no plan, nor what that plan says of the vehicle that was refused.
        if warned.contains(refused) && written.vehicle.is_none() && !self.source_changed {
            planned.clone_from(&warned);
        }
        if planned != warned {
            let verdict = match (self.source_changed, evidence.is_by(self.comparison.rules)) {
                (true, _) => Verdict::Stale,
                (false, true) if !planned.contains(refused) => Verdict::Suspect,
                _ => Verdict::RulesChanged,
            };
            let words = |codes: &BTreeSet<&str>| Some(codes.iter().copied().collect::<Vec<_>>().join(", "));
            self.add(verdict, Some("status.warnings"), None, words(&planned), words(&warned));
        }
    }

    fn was_warned_of(&self, code: WarningCode) -> bool {
        self.recorded.warnings.iter().any(|warned| warned == code.as_str())
    }
}

fn plan_of(today: Today<'_>) -> Option<&Plan> {
    match today {
        Today::Row(_, Outcome::Migrate(plan)) => Some(plan),
        _ => None,
    }
}

/// Whether a code says that the destination refused a certificate for what no plan can know.
fn is_refusal(code: &str) -> bool {
    ["foreign_key_violation", "check_violation", "value_too_long", "constraint_violation"].contains(&code)
}

#[cfg(test)]
mod tests;
