//! The certificates of a range.

use std::collections::{BTreeSet, HashMap};

use certferry_certificate::{
    Code, Finding, NewId, OldId, Outcome, Present, Recorded, State, Today, Verdict, violations,
};
use certferry_migration::Prepared;
use certferry_source::Selection;
use certferry_store::Range;

use super::{Looked, RANGE, Verify};
use crate::{Error, Observer};

/// Certificates that are read and planned together.
const BATCH: usize = 1_000;

impl Verify {
    pub(super) async fn look_at_certificates(
        &self,
        range: &Range,
        subjects: Option<&[OldId]>,
        observer: &impl Observer,
    ) -> Result<Looked, Error> {
        let mut looked = Looked::default();
        let ids = match subjects {
            Some(subjects) => subjects.to_vec(),
            None => self.ids(range, &mut looked).await?,
        };
        for batch in ids.chunks(BATCH) {
            self.look_at(batch, &mut looked).await?;
            if subjects.is_none() {
                observer.advance(batch.len() as u64);
            }
            if !certferry_store::renew_range(&self.planner.database, range, &self.name).await? {
                // Somebody else has taken the range over, and says what it comes to.
                return Ok(looked);
            }
        }
        Ok(looked)
    }

    /// The ids of a range that are to be looked at: those of the source, and those that were ever enqueued.
    async fn ids(&self, range: &Range, looked: &mut Looked) -> Result<Vec<OldId>, Error> {
        let mut ids = BTreeSet::new();
        if self.filter == certferry_certificate::Filter::default() || self.names_ids_alone() {
            let selection = match &self.filter.ids {
                Some(ids) => Selection::all().with_ids(ids.clone()),
                None => Selection::all(),
            };
            let mut after = range.first.0.checked_sub(1).map(OldId);
            loop {
                let page = self.planner.source.ids_page(after, RANGE, &selection).await?;
                let within = |id: &OldId| *id <= range.last;
                ids.extend(page.ids.into_iter().filter(within));
                for repeated in page.repeated.into_iter().filter(|repeated| within(&repeated.id)) {
                    looked.unaddressable += i64::try_from(repeated.rows).unwrap_or(i64::MAX);
                    ids.insert(repeated.id);
                }
                after = page.next;
                if after.is_none_or(|next| next >= range.last) {
                    break;
                }
            }
        }
        if self.filter == certferry_certificate::Filter::default() {
            let known = certferry_store::states_between(&self.planner.database, range.first, range.last).await?;
            ids.extend(known.into_iter().map(|(id, _)| id));
        } else {
            let mut snapshot = self.planner.database.begin_snapshot().await?;
            let mut from = range.first;
            loop {
                let page = certferry_store::selected_page(&mut snapshot, &self.filter, from, i64::from(RANGE)).await?;
                ids.extend(page.iter().copied().filter(|id| *id <= range.last));
                let Some(last) = page.last().filter(|last| **last < range.last) else { break };
                from = OldId(last.0.saturating_add(1));
            }
            snapshot.rollback().await?;
        }
        Ok(ids.into_iter().filter(|id| self.is_in_sample(*id)).collect())
    }

    /// Whether a certificate is in the sample: by chance, and the same for every process of the run.
    fn is_in_sample(&self, id: OldId) -> bool {
        if self.share >= 1.0 {
            return true;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.run.to_be_bytes()).update(&id.0.to_be_bytes());
        let mut bytes = [0; 4];
        hasher.finalize_xof().fill(&mut bytes);
        f64::from(u32::from_be_bytes(bytes)) < self.share * f64::from(u32::MAX)
    }

    /// Plans certificates anew, reads what is there, and compares.
    async fn look_at(&self, ids: &[OldId], looked: &mut Looked) -> Result<(), Error> {
        let planned = crate::assess::surveyed(&self.planner, ids.to_vec(), &self.worker_memory, |_| ()).await?;
        let mut snapshot = self.planner.database.begin_snapshot().await?;
        let mut rows = certferry_store::standing(&mut snapshot, ids).await?;
        let mut numbers: Vec<String> = planned.iter().filter_map(|it| it.identity.certificate_number.clone()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let holders = certferry_store::holders_of_numbers(&mut snapshot, &numbers).await?;
        snapshot.rollback().await?;
        let mut by_number: HashMap<String, Vec<NewId>> = HashMap::new();
        for (number, id) in holders {
            by_number.entry(number).or_default().push(id);
        }
        for mut prepared in planned {
            let id = prepared.id;
            let row = rows.remove(&id);
            let own = row.as_ref().and_then(|(recorded, _)| recorded.new_certificate_id);
            if row.as_ref().is_some_and(|(recorded, _)| recorded.state == State::Failed) {
                prepared.refuse_if_held(None);
            }
            let (findings, is_verified) = self.findings(&prepared, row.as_ref());
            looked.verified += i64::from(is_verified);
            let number = prepared.identity.certificate_number.as_ref();
            let others = number.and_then(|number| by_number.get(number)).into_iter().flatten();
            let twins = others.filter(|holder| Some(**holder) != own).map(|holder| Finding {
                new_certificate_id: Some(*holder),
                found: number.cloned(),
                ..finding(id, Verdict::Twin, Some("certificate"))
            });
            looked.findings.extend(findings.into_iter().chain(twins).map(|finding| (id, finding)));
        }
        Ok(())
    }

    /// What there is to say of a certificate, and whether it counts as one that was looked at.
    fn findings(&self, prepared: &Prepared, row: Option<&(Recorded, Present)>) -> (Vec<Finding>, bool) {
        let id = prepared.id;
        let today = match (&prepared.record, &prepared.outcome) {
            (Some(record), outcome) => Today::Row(record, outcome),
            (None, Outcome::Fail(issues)) if issues.iter().any(|it| it.code == Code::CertificateNotFound) => {
                Today::Gone
            }
            (None, _) => Today::Unread,
        };
        let is_several = matches!(&prepared.outcome, Outcome::Fail(issues)
            if prepared.record.is_none() && issues.iter().any(|it| it.code == Code::InvalidId));
        let mut findings = match row {
            Some((recorded, present)) => self.comparison.findings(recorded, present, today),
            None if is_several || matches!(today, Today::Gone) => Vec::new(),
            None => vec![finding(id, Verdict::NotEnqueued, None)],
        };
        if is_several {
            findings.push(finding(id, Verdict::Unaddressable, None));
        }
        if let Today::Row(record, Outcome::Migrate(plan)) = today {
            for violation in violations(record, plan) {
                let expected = Some(violation);
                findings.push(Finding { expected, ..finding(id, Verdict::WrongVerdict, Some("plan")) });
            }
        }
        let is_there = !matches!(today, Today::Gone) && !is_several;
        (findings, row.is_some() || is_there)
    }
}

fn finding(id: OldId, verdict: Verdict, field: Option<&str>) -> Finding {
    Finding {
        certificate_id: Some(id),
        new_certificate_id: None,
        verdict,
        field: field.map(str::to_owned),
        raw: None,
        expected: None,
        found: None,
    }
}
