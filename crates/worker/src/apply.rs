//! Applying a prepared batch: certificates, status rows and the jobs' completion in one transaction.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use certferry_certificate::{Code, Issue, OldId, Outcome, Plan};
use certferry_migration::{Begun, Prepared, Step, crash_point};
use certferry_store::{Finished, Interrupted, Refused, Transaction, Uniqueness, Verdict, Writing};

use crate::engine::Engine;
use crate::error::Error;
use crate::settle::{JobPrepared, lock_open};
use crate::tally::Counts;

impl Engine {
    /// Writes a prepared batch and records what became of each certificate. An error means that the database refused
    /// something, or is away; nothing is changed then.
    ///
    /// `None` when a certificate was finished by another worker meanwhile; then nothing is changed.
    pub(crate) async fn apply_at_once(&self, batch: &[JobPrepared<'_>], begun: Begun) -> Result<Option<Counts>, Error> {
        let Begun { mut transaction, taken, uniqueness } = begun;
        let (refused, plans): (Vec<&Plan>, Vec<&Plan>) =
            plans(batch).partition(|plan| taken.contains_key(&plan.certificate_number));
        let writing = async {
            let mut writing = certferry_store::write_all(&mut transaction, &plans, &uniqueness).await?;
            crash_point("written");
            let taken_by =
                |plan: &&Plan| certferry_store::number_taken(plan, taken.get(&plan.certificate_number).copied());
            writing.refused.extend(refused.iter().map(taken_by));
            self.record(&mut transaction, batch.iter().collect(), writing).await
        };
        let (late, counts) = Step::Write.of(batch.len(), Error::code, writing).await?;
        if !late.is_empty() {
            transaction.rollback().await?;
            return Ok(None);
        }
        commit(transaction, batch.len()).await?;
        Ok(Some(counts))
    }

    /// The same with the status rows locked, and each certificate for itself where it must be.
    pub(crate) async fn apply_carefully(&self, batch: &[JobPrepared<'_>], begun: Begun) -> Result<Counts, Error> {
        let Begun { mut transaction, uniqueness, .. } = begun;
        let writing = self.write_carefully_within(&mut transaction, &uniqueness, batch);
        let counts = Step::Write.of(batch.len(), Error::code, writing).await?;
        commit(transaction, batch.len()).await?;
        Ok(counts)
    }

    async fn write_carefully_within(
        &self,
        transaction: &mut Transaction,
        uniqueness: &Uniqueness,
        batch: &[JobPrepared<'_>],
    ) -> Result<Counts, Error> {
        let ids: Vec<OldId> = batch.iter().map(|(job, _)| job.certificate_id).collect();
        let open = lock_open(transaction, &ids).await?;
        let (open, late): (Vec<&JobPrepared<'_>>, Vec<&JobPrepared<'_>>) =
            batch.iter().partition(|(job, _)| open.contains(&job.certificate_id));
        let mut plans: Vec<&Plan> = open.iter().filter_map(|(_, prepared)| plan_of(prepared)).collect();
        let mut held = Vec::new();
        if self.health.locks.are_held() {
            held = certferry_store::held_by_others(transaction, &plans).await?;
            let waiting: HashSet<OldId> = held.iter().map(|refused| refused.id).collect();
            plans.retain(|plan| !waiting.contains(&plan.id));
        }
        let mut writing = certferry_store::write_each(transaction, &plans, uniqueness).await?;
        writing.refused.extend(held);
        crash_point("written");
        let is_surprised = writing.is_surprised;
        let (_, mut counts) = self.record(transaction, open, writing).await?;
        let late_ids: Vec<OldId> = late.iter().map(|(job, _)| job.certificate_id).collect();
        counts.late = certferry_store::note_late(transaction, &self.worker, &late_ids).await?;
        counts.is_surprised = is_surprised;
        let jobs: Vec<String> = late.iter().map(|(job, _)| job.id.clone()).collect();
        certferry_queue::complete(transaction, &self.worker, &jobs).await?;
        Ok(counts)
    }

    /// Records results and completes or postpones the jobs. Returns the certificates whose results came too late.
    async fn record(
        &self,
        transaction: &mut Transaction,
        batch: Vec<&JobPrepared<'_>>,
        writing: Writing,
    ) -> Result<(certferry_store::Late, Counts), Error> {
        let mut written: HashMap<OldId, _> = writing.written.into_iter().map(|row| (row.id, row)).collect();
        let mut refused: HashMap<OldId, Refused> = writing.refused.into_iter().map(|row| (row.id, row)).collect();
        let locked: Vec<OldId> = refused.values().filter(|refused| refused.waits_for_lock).map(|row| row.id).collect();
        let (delays, impatient) = self.note_lock_waits(transaction, &locked).await?;
        let mut set_back = Vec::new();
        let (mut results, mut completed, mut postponed) = (Vec::with_capacity(batch.len()), Vec::new(), Vec::new());
        let mut counts = Counts::default();
        for (job, prepared) in batch {
            let id = job.certificate_id;
            let row = written.remove(&id);
            let evidence = prepared.evidence(row.as_ref(), self.rules);
            let verdict = match (&prepared.outcome, row, refused.remove(&id)) {
                (Outcome::Fail(issues), _, _) => Verdict::Failed(issues.clone()),
                (Outcome::Migrate(_), Some(row), _) => Verdict::from(row),
                (_, _, Some(Refused { waits_for_lock: true, .. })) if !impatient.contains(&id) => {
                    set_back.push((job.id.clone(), delays.get(&id).copied().unwrap_or_default()));
                    continue;
                }
                (_, _, Some(Refused { issue, .. })) if issue.code.is_permanent() || !self.may_retry(job) => {
                    Verdict::Failed(vec![issue])
                }
                (_, _, Some(Refused { issue, .. })) => {
                    counts.postponed_for = Some(issue.code);
                    *counts.retried.entry(issue.code).or_default() += 1;
                    postponed.push(Postponed { id, job: job.id.clone(), delay: self.delay(job), issue });
                    continue;
                }
                (Outcome::Migrate(_), None, None) => {
                    let message = "the certificate was neither written nor refused; please report it";
                    Verdict::Failed(vec![Issue::new(Code::Unexpected, None, message)])
                }
            };
            match &verdict {
                Verdict::Migrated { .. } => counts.migrated += 1,
                Verdict::Failed(issues) => counts.fail(issues),
            }
            completed.push(job.id.clone());
            let identity = prepared.identity.clone();
            results.push(Finished { id, identity, started_at: job.claimed_at, verdict, evidence });
        }
        counts.locked = locked.len();
        counts.postponed = postponed.len() + set_back.len();
        let late = certferry_store::finish(transaction, &self.worker, &results).await?;
        crash_point("recorded");
        certferry_queue::complete(transaction, &self.worker, &completed).await?;
        self.postpone(transaction, postponed).await?;
        certferry_queue::set_back(transaction, &self.worker, &set_back).await?;
        crash_point("completed");
        Ok((late, counts))
    }

    /// Puts certificates back into the queue for another attempt later.
    pub(crate) async fn postpone(&self, transaction: &mut Transaction, postponed: Vec<Postponed>) -> Result<(), Error> {
        if postponed.is_empty() {
            return Ok(());
        }
        let (mut attempts, mut delays) = (Vec::with_capacity(postponed.len()), Vec::with_capacity(postponed.len()));
        for Postponed { id, job, delay, issue } in postponed {
            attempts.push(Interrupted { id, worker: Some(self.worker.clone()), issue: Some(issue) });
            delays.push((job, delay));
        }
        certferry_store::count_attempts(transaction, &attempts).await?;
        certferry_queue::postpone(transaction, &self.worker, &delays).await?;
        Ok(())
    }
}

/// Makes permanent what became of so many certificates.
async fn commit(transaction: Transaction, certificates: usize) -> Result<(), Error> {
    let committing = async { Ok(transaction.commit().await?) };
    Step::Commit.of(certificates, Error::code, committing).await?;
    crash_point("committed");
    Ok(())
}

/// A certificate that is tried again later.
#[derive(Debug)]
pub(crate) struct Postponed {
    pub(crate) id: OldId,
    /// The queue's key of its job.
    pub(crate) job: String,
    pub(crate) delay: Duration,
    /// Why.
    pub(crate) issue: Issue,
}

fn plan_of(prepared: &Prepared) -> Option<&Plan> {
    match &prepared.outcome {
        Outcome::Migrate(plan) => Some(plan),
        Outcome::Fail(_) => None,
    }
}

fn plans<'a>(batch: &'a [JobPrepared<'_>]) -> impl Iterator<Item = &'a Plan> {
    batch.iter().filter_map(|(_, prepared)| plan_of(prepared))
}
