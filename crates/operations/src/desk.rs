//! A person's desk: one certificate after the other is claimed, looked at and decided, beside workers and other people.
//!
//! What lies on the desk is claimed in `certferry.desk_claim`, where other people see it, and its job is taken, so that workers
//! leave it alone. Both end with the desk, or fall free when it has been silent for `orphan_after`. No lock is held while a
//! person thinks; what counts in the end is the lock of the status row in the transaction that decides.

mod candidates;
mod decide;

use std::time::Duration;

use certferry_certificate::{OldId, State};
use certferry_migration::{Planner, Prepared};
use certferry_queue::Taken;
use certferry_store::{Database, ReportRow, RunKind};
use serde_json::{Value, json};
use tokio::task::JoinSet;

pub use candidates::{Candidates, Left};
pub use decide::Decision;

use crate::{Error, Operator};

/// How often, within `orphan_after`, a desk says that it is there, so that one or two failures lose nothing.
const RENEWALS: u32 = 5;

/// A desk; end it with [`Desk::close`].
#[derive(Debug)]
pub struct Desk {
    planner: Planner,
    by: Operator,
    name: String,
    orphan_after: Duration,
    /// What its runs are to say that they were told to select.
    described: Value,
    enqueue_run: Option<i64>,
    retry_run: Option<i64>,
    /// Says that the desk is there; ends with this value.
    renewing: JoinSet<()>,
}

/// A certificate as a person sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its row in the source, and what becomes of it.
    pub prepared: Prepared,
    /// Its status row; none where it was never enqueued.
    pub status: Option<ReportRow>,
}

impl Seen {
    /// Its legacy id.
    #[must_use]
    pub fn id(&self) -> OldId {
        self.prepared.id
    }

    /// Its state; none where it was never enqueued.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.status.as_ref().and_then(|row| State::parse(&row.state))
    }
}

impl Desk {
    /// Opens a desk for a person. `filter` is what the person asked for, for the runs' records.
    pub async fn open(planner: Planner, by: Operator, orphan_after: Duration, filter: &Value) -> Result<Self, Error> {
        let name = certferry_queue::new_desk();
        renew(&planner.database, &name).await?;
        let mut renewing = JoinSet::new();
        renewing.spawn(keep_renewing(planner.database.clone(), name.clone(), orphan_after / RENEWALS));
        Ok(Self {
            planner,
            by,
            name,
            orphan_after,
            described: json!({ "one_by_one": true, "filter": filter }),
            enqueue_run: None,
            retry_run: None,
            renewing,
        })
    }

    /// What certificates are read from.
    #[must_use]
    pub fn planner(&self) -> &Planner {
        &self.planner
    }

    /// Claims a certificate, and its job if it has one. Returns false, and claims nothing, where a worker or another person has
    /// it.
    pub async fn claim(&self, id: OldId) -> Result<bool, Error> {
        let mut transaction = self.planner.database.begin().await?;
        let (person, name) = (self.by.to_string(), self.name.as_str());
        let claim = certferry_store::claim_at_desk(&mut transaction, id, &person, name, self.orphan_after).await?;
        let is_ours = claim.is_some()
            && certferry_queue::take(&mut transaction, name, id, self.orphan_after).await? != Taken::Others;
        if is_ours {
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        Ok(is_ours)
    }

    /// Reads and plans a certificate; nothing is locked when it comes back. The number that it has in the destination itself is
    /// not taken.
    pub async fn look(&self, id: OldId) -> Result<Seen, Error> {
        let (mut prepared, mut begun) = self.planner.prepare(&[id]).await?;
        let status = certferry_store::status_row(&mut begun.transaction, id).await?;
        begun.transaction.rollback().await?;
        let mut prepared = only(prepared.pop())?;
        prepared.refuse_if_taken(&begun.taken, status.as_ref().and_then(|row| row.new_certificate_id));
        Ok(Seen { prepared, status })
    }

    /// Gives back what lies on the desk, as it was.
    pub async fn give_back(&self) -> Result<(), Error> {
        let mut transaction = self.planner.database.begin().await?;
        certferry_store::give_back_at_desk(&mut transaction, &self.name).await?;
        certferry_queue::give_back(&mut transaction, &self.name).await?;
        Ok(transaction.commit().await?)
    }

    /// Gives back what lies on the desk, and ends its runs. What cannot be given back falls free after `orphan_after`.
    pub async fn close(mut self) -> Result<(), Error> {
        self.renewing.shutdown().await;
        self.give_back().await?;
        let mut transaction = self.planner.database.begin().await?;
        certferry_queue::close_desk(&mut transaction, &self.name).await?;
        transaction.commit().await?;
        for run in [self.enqueue_run, self.retry_run].into_iter().flatten() {
            certferry_store::end_run(&self.planner.database, run).await?;
        }
        Ok(())
    }

    /// The run in which certificates in `state` are queued by this desk; begun when the first is. One that is queued has its
    /// run already.
    async fn run_for(&mut self, state: Option<State>) -> Result<Option<i64>, Error> {
        let (run, kind) = match state {
            None => (&mut self.enqueue_run, RunKind::Enqueue),
            Some(State::Failed | State::Skipped | State::Reverted) => (&mut self.retry_run, RunKind::Retry),
            Some(State::Queued | State::Migrated) => return Ok(None),
        };
        if run.is_none() {
            let Operator { user, host } = &self.by;
            *run = Some(certferry_store::begin_run(&self.planner.database, kind, user, host, &self.described).await?);
        }
        Ok(*run)
    }

    /// Forgets a run that was cancelled; the next certificate begins another.
    fn forget_run(&mut self, cancelled: i64) {
        for run in [&mut self.enqueue_run, &mut self.retry_run] {
            run.take_if(|run| *run == cancelled);
        }
    }
}

/// Says that a desk is there, and that it has what it claimed.
async fn renew(database: &Database, name: &str) -> Result<(), Error> {
    let mut transaction = database.begin().await?;
    certferry_queue::renew_desk(&mut transaction, name).await?;
    transaction.commit().await?;
    let mut transaction = database.begin().await?;
    certferry_store::renew_desk_claim(&mut transaction, name).await?;
    Ok(transaction.commit().await?)
}

async fn keep_renewing(database: Database, name: String, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        // No longer: the next one may have a better connection.
        let renewed = tokio::time::timeout(period, renew(&database, &name)).await;
        if let Ok(Err(error)) = renewed {
            tracing::debug!(error = &error as &dyn std::error::Error, "what lies on the desk could not be renewed");
        }
    }
}

/// The one certificate that is prepared for one id.
fn only(prepared: Option<Prepared>) -> Result<Prepared, Error> {
    let none = || certferry_store::Error::unexpected("plan the certificate", "no plan came of it; please report it");
    prepared.ok_or_else(none).map_err(Error::Store)
}
