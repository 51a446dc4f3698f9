//! Verification: every certificate held against its row in the source, planned anew, against the destination, and against what
//! was written at the time. `rules.md`, Afterwards.
//!
//! Any number of processes look through ranges of ids together. What a range came to is recorded in one transaction with its
//! end, so that it makes no difference who is killed when. What does not match is looked at again later, twice or three times.

mod certificates;
mod equations;
mod people;

use std::collections::BTreeMap;
use std::time::Duration;

use certferry_certificate::{Comparison, Filter, Finding, OldId, Verdict};
use certferry_migration::Planner;
use certferry_source::Selection;
use certferry_store::{Range, RangeOf};
use futures::stream::{FuturesUnordered, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Observer};
pub use equations::Equation;

/// Ids a range.
const RANGE: u32 = 4_000;

/// The seconds after which what does not match is looked at again; after the last it is `unchecked`.
const AGAIN: [f64; 3] = [2.0, 10.0, 30.0];

/// How often it is looked whether a range of another process is free or done.
const WAIT: Duration = Duration::from_millis(200);

/// What is verified, and how.
#[derive(Clone, Debug)]
pub struct Verify {
    /// What certificates are read from and planned by.
    pub planner: Planner,
    /// What columns users may change, and the rules of today.
    pub comparison: Comparison,
    /// Ranges that are looked through at once.
    pub at_once: usize,
    /// What a worker may take of memory, in bytes, and in the words of the configuration.
    pub worker_memory: (u64, String),
    /// The run.
    pub run: i64,
    /// Which certificates.
    pub filter: Filter,
    /// Of all certificates this share is looked at.
    pub share: f64,
    /// Who looks through a range: one start of one process.
    pub name: String,
}

/// What came of a verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Certificates that were looked at.
    pub verified: i64,
    /// How many have each verdict; one that has several counts under the gravest.
    pub by_verdict: BTreeMap<Verdict, i64>,
    /// Lines of findings that nobody has accepted.
    pub findings: i64,
    /// Findings that a person has accepted.
    pub accepted: i64,
    /// Migrated certificates of which only the existence was looked at, as nothing was kept when they were written.
    pub existence_only: i64,
    /// Of the whole migration, where the whole was looked at.
    pub equations: Vec<Equation>,
}

impl Verification {
    /// Whether a person must look at something.
    #[must_use]
    pub fn alarms(&self) -> bool {
        self.by_verdict.iter().any(|(verdict, certificates)| verdict.is_alarm() && *certificates > 0)
            || self.equations.iter().any(|equation| !equation.holds)
    }
}

/// What there is to say of the ids of a range.
#[derive(Debug, Default)]
struct Looked {
    findings: Vec<(OldId, Finding)>,
    verified: i64,
    unaddressable: i64,
}

impl Verify {
    /// Whether everything is looked at.
    fn is_whole(&self) -> bool {
        self.share >= 1.0 && self.filter == Filter::default()
    }

    /// Looks through what is left, together with whoever else does, and says what came of it. None when it was stopped.
    pub async fn execute(&self, observer: &impl Observer) -> Result<Option<Verification>, Error> {
        let mut in_hand = FuturesUnordered::new();
        let mut is_cut = false;
        loop {
            while in_hand.len() < self.at_once && !observer.is_stopped() {
                let mut range = None;
                if !is_cut {
                    range = certferry_store::cut_range(&self.planner.database, self.run, &self.name, async |after| {
                        self.next_cut(after).await
                    })
                    .await?;
                    is_cut = range.is_none();
                }
                if range.is_none() {
                    range = certferry_store::claim_range(&self.planner.database, self.run, &self.name).await?;
                }
                let Some(range) = range else { break };
                in_hand.push(Box::pin(self.look_through(range, observer)));
            }
            if let Some(done) = in_hand.next().await {
                done?;
                continue;
            }
            if observer.is_stopped() {
                return Ok(None);
            }
            if is_cut && certferry_store::open_ranges(&self.planner.database, self.run).await? == 0 {
                break;
            }
            tokio::time::sleep(WAIT).await;
        }
        self.conclude().await.map(Some)
    }

    /// The highest id of the range after an id; none where that is the last range.
    async fn next_cut(&self, after: Option<OldId>) -> Result<Option<OldId>, Error> {
        if self.filter == Filter::default() {
            return Ok(self.planner.source.ids_page(after, RANGE, &Selection::all()).await?.next);
        }
        if self.names_ids_alone() {
            // So few that one range has them.
            return Ok(None);
        }
        let mut snapshot = self.planner.database.begin_snapshot().await?;
        let from = OldId(after.map_or(i64::MIN, |after| after.0.saturating_add(1)));
        let page = certferry_store::selected_page(&mut snapshot, &self.filter, from, i64::from(RANGE)).await?;
        snapshot.rollback().await?;
        Ok(page.last().copied().filter(|_| page.len() >= RANGE as usize))
    }

    /// Whether certificates are chosen by their ids alone, so that some may have no status row.
    fn names_ids_alone(&self) -> bool {
        self.filter.ids.is_some() && self.filter == Filter { ids: self.filter.ids.clone(), ..Filter::default() }
    }

    async fn look_through(&self, range: Range, observer: &impl Observer) -> Result<(), Error> {
        if range.round == 0 {
            let looked = self.look(&range, None, observer).await?;
            let findings: Vec<_> = looked.findings.into_iter().map(|(id, finding)| (id, finding, false)).collect();
            let again = (!findings.is_empty()).then_some(AGAIN[0]);
            return self.end(&range, &findings, again, (looked.verified, looked.unaddressable)).await;
        }
        let before = certferry_store::unsettled(&self.planner.database, &range).await?;
        let mut subjects: Vec<OldId> = before.iter().map(|(id, _)| *id).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let looked = self.look(&range, Some(&subjects), observer).await?;
        let (mut before, mut now) = (by_subject(before), by_subject(looked.findings));
        let round = usize::try_from(range.round).unwrap_or(usize::MAX);
        let (mut findings, mut moves) = (Vec::new(), false);
        for id in subjects {
            let (before, now) = (before.remove(&id).unwrap_or_default(), now.remove(&id).unwrap_or_default());
            let is_settled = now == before || now.is_empty();
            if !is_settled && round >= AGAIN.len() {
                let new_certificate_id = now.first().and_then(|finding| finding.new_certificate_id);
                findings.push((id, unchecked(&range, id, new_certificate_id), true));
                continue;
            }
            moves |= !is_settled;
            findings.extend(now.into_iter().map(|finding| (id, finding, is_settled)));
        }
        let again = moves.then(|| AGAIN[round.min(AGAIN.len() - 1)]);
        self.end(&range, &findings, again, (0, 0)).await
    }

    async fn look(&self, range: &Range, subjects: Option<&[OldId]>, observer: &impl Observer) -> Result<Looked, Error> {
        match range.of {
            RangeOf::Certificates => self.look_at_certificates(range, subjects, observer).await,
            RangeOf::Customers | RangeOf::Technicians => self.look_at_people(range, subjects).await,
        }
    }

    async fn end(
        &self,
        range: &Range,
        findings: &[(OldId, Finding, bool)],
        again: Option<f64>,
        counts: (i64, i64),
    ) -> Result<(), Error> {
        let mut transaction = self.planner.database.begin().await?;
        let is_ours = certferry_store::end_range(&mut transaction, range, &self.name, findings, again, counts).await?;
        // Where somebody else has taken the range over, it is theirs to say what it came to.
        if is_ours { Ok(transaction.commit().await?) } else { Ok(transaction.rollback().await?) }
    }

    /// Counts both sides when all ranges are done; whoever comes first does, and the others read what it came to.
    async fn conclude(&self) -> Result<Verification, Error> {
        let database = &self.planner.database;
        let mut waits = AGAIN.iter();
        let mut source = if self.is_whole() { Some(self.of_source().await?) } else { None };
        loop {
            let mut transaction = database.begin().await?;
            if certferry_store::lock_verification(&mut transaction, self.run).await? {
                transaction.rollback().await?;
                let ended = certferry_store::verification(database, self.run).await?.and_then(|it| it.result);
                return read(ended);
            }
            let unreadable = source.as_ref().map(|source| source.named.as_slice());
            certferry_store::conclude(&mut transaction, self.run, unreadable).await?;
            let counts = certferry_store::verification_counts(&mut transaction, self.run).await?;
            let by_verdict = certferry_store::by_verdict(&mut transaction, self.run).await?;
            let verification = equations::verification(&counts, &by_verdict, source.as_ref());
            let adds_up = verification.equations.iter().all(|equation| equation.holds);
            if !adds_up && let Some(seconds) = waits.next() {
                // Somebody may be at work meanwhile.
                transaction.rollback().await?;
                tokio::time::sleep(Duration::from_secs_f64(*seconds)).await;
                source = Some(self.of_source().await?);
                continue;
            }
            let result = serde_json::to_value(&verification)
                .map_err(|error| certferry_store::Error::unexpected("record what came of it", error))?;
            certferry_store::end_verification(&mut transaction, self.run, &result).await?;
            transaction.commit().await?;
            certferry_store::end_run(database, self.run).await?;
            return Ok(verification);
        }
    }

    /// The rows of the source, by its own count, and those whose id cannot be read.
    async fn of_source(&self) -> Result<equations::OfSource, Error> {
        let rows = self.planner.source.rows_up_to(None).await?;
        let unreadable = self.planner.source.unreadable(&Selection::all()).await?;
        let mut named = unreadable.named.clone();
        if unreadable.missing > 0 {
            named.push(format!("{} without an id", unreadable.missing));
        }
        Ok(equations::OfSource { rows, unreadable: unreadable.rows(), named })
    }
}

/// What came of a verification that has ended.
fn read(result: Option<Value>) -> Result<Verification, Error> {
    serde_json::from_value(result.unwrap_or_default())
        .map_err(|error| certferry_store::Error::unexpected("read what came of the verification", error).into())
}

fn by_subject(findings: Vec<(OldId, Finding)>) -> BTreeMap<OldId, Vec<Finding>> {
    let mut by_subject: BTreeMap<OldId, Vec<Finding>> = BTreeMap::new();
    for (id, finding) in findings {
        by_subject.entry(id).or_default().push(finding);
    }
    by_subject
}

fn unchecked(range: &Range, id: OldId, new_certificate_id: Option<certferry_certificate::NewId>) -> Finding {
    Finding {
        certificate_id: (range.of == RangeOf::Certificates).then_some(id),
        new_certificate_id,
        verdict: Verdict::Unchecked,
        field: None,
        raw: None,
        expected: None,
        found: None,
    }
}
