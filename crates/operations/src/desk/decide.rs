//! What a person decides about a certificate: one transaction, as a batch of one.

use certferry_certificate::{Code, Issue, NewId, OldId, Outcome, RulesFingerprint, State, Warning};
use certferry_migration::{Begun, Prepared};
use certferry_queue::Taken;
use certferry_store::{Finished, Refused, ReportRow, Transaction, Verdict, Written};
use chrono::{DateTime, Utc};

use super::{Desk, Seen, only};
use crate::Error;

/// What came of a decision.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It is in the destination.
    Migrated {
        /// The new certificate.
        new_certificate_id: NewId,
        /// What was left out.
        warnings: Vec<Warning>,
    },
    /// It is recorded as failed, for these reasons.
    Failed(Vec<Issue>),
    /// It is set aside.
    Skipped,
    /// It was migrated before, by this row; nothing was changed.
    WasMigrated(Box<ReportRow>),
    /// A worker or another person has it; nothing was changed.
    Elsewhere,
    /// It is not what was seen any more; nothing was changed.
    Changed,
    /// The destination could not take it just now, for this reason; nothing was changed.
    NotNow(String),
}

/// A transaction in which a certificate is queued, locked and this desk's.
struct Opened {
    transaction: Transaction,
    since: DateTime<Utc>,
}

impl Desk {
    /// Migrates a certificate as it was seen; where it has issues, or is refused for good, it is recorded as failed. It is
    /// planned anew with its status row locked: if anything is not as it was seen, nothing is changed.
    pub async fn migrate(&mut self, seen: &Seen) -> Result<Decision, Error> {
        match self.write(seen).await {
            Err(Error::Store(error)) if error.code().is_permanent() && !error.is_misfit() => {
                let issue = Issue::new(error.code(), None, format!("{:#}", anyhow::Error::from(error)));
                self.fail(seen, issue).await
            }
            decided => decided,
        }
    }

    async fn write(&mut self, seen: &Seen) -> Result<Decision, Error> {
        let Opened { transaction, since } = match self.open_queued(seen).await? {
            Ok(opened) => opened,
            Err(decision) => return Ok(decision),
        };
        let (mut prepared, begun) = self.planner.prepare_within(transaction, &[seen.id()]).await?;
        let Begun { mut transaction, taken, uniqueness } = begun;
        let mut prepared = only(prepared.pop())?;
        prepared.refuse_if_taken(&taken, None);
        if prepared.record != seen.prepared.record || prepared.outcome != seen.prepared.outcome {
            transaction.rollback().await?;
            return Ok(Decision::Changed);
        }
        let mut written = None;
        let verdict = match &prepared.outcome {
            Outcome::Fail(issues) => Verdict::Failed(issues.clone()),
            Outcome::Migrate(plan) => {
                let mut writing = certferry_store::write_each(&mut transaction, &[plan], &uniqueness).await?;
                match (writing.written.pop(), writing.refused.pop()) {
                    (Some(row), _) => Verdict::from(written.insert(row).clone()),
                    (None, Some(Refused { issue, waits_for_lock: false, .. })) if issue.code.is_permanent() => {
                        Verdict::Failed(vec![issue])
                    }
                    (None, Some(Refused { issue, .. })) => {
                        transaction.rollback().await?;
                        return Ok(Decision::NotNow(issue.message));
                    }
                    (None, None) => {
                        let message = "the certificate was neither written nor refused; please report it";
                        Verdict::Failed(vec![Issue::new(Code::Unexpected, None, message)])
                    }
                }
            }
        };
        self.record(transaction, prepared, since, verdict, written.as_ref()).await
    }

    /// Records a certificate as failed that the destination refuses only when all of it is there.
    async fn fail(&mut self, seen: &Seen, issue: Issue) -> Result<Decision, Error> {
        let Opened { transaction, since } = match self.open_queued(seen).await? {
            Ok(opened) => opened,
            Err(decision) => return Ok(decision),
        };
        self.record(transaction, seen.prepared.clone(), since, Verdict::Failed(vec![issue]), None).await
    }

    /// Records the verdict, ends the job and the claim, and commits.
    async fn record(
        &self,
        mut transaction: Transaction,
        prepared: Prepared,
        started_at: DateTime<Utc>,
        verdict: Verdict,
        written: Option<&Written>,
    ) -> Result<Decision, Error> {
        let decision = match &verdict {
            Verdict::Migrated { new_certificate_id, warnings, .. } => {
                Decision::Migrated { new_certificate_id: *new_certificate_id, warnings: warnings.clone() }
            }
            Verdict::Failed(issues) => Decision::Failed(issues.clone()),
        };
        let evidence = prepared.evidence(written, RulesFingerprint::of(&self.planner.policy));
        let Prepared { id, identity, .. } = prepared;
        let finished = Finished { id, identity, started_at, verdict, evidence };
        if !certferry_store::finish(&mut transaction, &self.by.to_string(), &[finished]).await?.is_empty() {
            transaction.rollback().await?;
            return Ok(Decision::Changed);
        }
        self.end(transaction, id).await?;
        Ok(decision)
    }

    /// Sets a certificate aside, also one that failed or was set aside before.
    pub async fn skip(&mut self, seen: &Seen, reason: &str) -> Result<Decision, Error> {
        let id = seen.id();
        let opened = match seen.state() {
            Some(state @ (State::Failed | State::Skipped | State::Reverted)) => self.open_final(id, state).await?,
            None | Some(State::Queued | State::Migrated) => self.open_queued(seen).await?,
        };
        let mut transaction = match opened {
            Ok(opened) => opened.transaction,
            Err(decision) => return Ok(decision),
        };
        certferry_store::skip(&mut transaction, &[id], &self.by.to_string(), reason).await?;
        self.end(transaction, id).await?;
        Ok(Decision::Skipped)
    }

    /// Begins the transaction that sets aside what is not queued.
    async fn open_final(&self, id: OldId, state: State) -> Result<Result<Opened, Decision>, Error> {
        let mut transaction = self.planner.database.begin().await?;
        let Some(since) = self.claimed(&mut transaction, id).await? else {
            transaction.rollback().await?;
            return Ok(Err(Decision::Elsewhere));
        };
        if certferry_store::lock_states(&mut transaction, &[id], &[state]).await?.is_empty() {
            return self.what_became(transaction, id).await.map(Err);
        }
        Ok(Ok(Opened { transaction, since }))
    }

    /// Begins the transaction that decides: the certificate is queued in it, whatever it was seen to be, its row locked, and
    /// neither a worker nor another person has it. Otherwise says what it is.
    async fn open_queued(&mut self, seen: &Seen) -> Result<Result<Opened, Decision>, Error> {
        let (id, state) = (seen.id(), seen.state());
        if let Some(row) = seen.status.as_ref().filter(|_| state == Some(State::Migrated)) {
            return Ok(Err(Decision::WasMigrated(Box::new(row.clone()))));
        }
        let run = self.run_for(state).await?;
        let mut transaction = self.planner.database.begin().await?;
        let Some(since) = self.claimed(&mut transaction, id).await? else {
            transaction.rollback().await?;
            return Ok(Err(Decision::Elsewhere));
        };
        let is_new = match run {
            Some(run) if state.is_none() => {
                !certferry_store::record_queued(&mut transaction, &[id], Some(run)).await?.is_empty()
            }
            _ => false,
        };
        if !is_new {
            // Somebody may have enqueued what nobody had when it was seen.
            let expected = state.unwrap_or(State::Queued);
            if certferry_store::lock_states(&mut transaction, &[id], &[expected]).await?.is_empty() {
                return self.what_became(transaction, id).await.map(Err);
            }
            if expected == State::Queued {
                if certferry_queue::take(&mut transaction, &self.name, id, self.orphan_after).await? == Taken::Others {
                    transaction.rollback().await?;
                    return Ok(Err(Decision::Elsewhere));
                }
                return Ok(Ok(Opened { transaction, since }));
            }
            if let Some(run) = run {
                certferry_store::requeue(&mut transaction, &[id], run).await?;
            }
        }
        if let Some(run) = run
            && !certferry_store::select_in_run(&mut transaction, run, 1).await?
        {
            transaction.rollback().await?;
            self.forget_run(run);
            let message =
                format!("run {run}, in which this was decided, was cancelled; the next answer begins another");
            return Ok(Err(Decision::NotNow(message)));
        }
        Ok(Ok(Opened { transaction, since }))
    }

    /// Claims the certificate in the transaction that decides: a desk that was silent for long may have lost it.
    async fn claimed(&self, transaction: &mut Transaction, id: OldId) -> Result<Option<DateTime<Utc>>, Error> {
        let person = self.by.to_string();
        Ok(certferry_store::claim_at_desk(transaction, id, &person, &self.name, self.orphan_after).await?)
    }

    /// What a certificate is whose row is not as it was seen.
    async fn what_became(&self, mut transaction: Transaction, id: OldId) -> Result<Decision, Error> {
        let row = certferry_store::status_row(&mut transaction, id).await?;
        transaction.rollback().await?;
        let migrated = row.filter(|row| row.state == State::Migrated.as_str());
        Ok(migrated.map_or(Decision::Changed, |row| Decision::WasMigrated(Box::new(row))))
    }

    /// Ends the job and the claim of a certificate that is decided, and commits.
    async fn end(&self, mut transaction: Transaction, id: OldId) -> Result<(), Error> {
        certferry_store::give_back_at_desk(&mut transaction, &self.name).await?;
        certferry_queue::remove(&mut transaction, &[id]).await?;
        Ok(transaction.commit().await?)
    }
}
