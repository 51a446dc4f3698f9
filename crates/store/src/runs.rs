//! Runs: the commands that queued certificates, and what became of those. `rules.md`, Runs.

use certferry_certificate::State;
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{Database, Error};

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the commands, by their names")]
pub enum RunKind {
    Enqueue,
    Retry,
    Refresh,
    Verify,
    Revert,
}

impl RunKind {
    const ALL: [Self; 5] = [Self::Enqueue, Self::Retry, Self::Refresh, Self::Verify, Self::Revert];

    /// The kind as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enqueue => "enqueue",
            Self::Retry => "retry",
            Self::Refresh => "refresh",
            Self::Verify => "verify",
            Self::Revert => "revert",
        }
    }
}

/// How a run has ended, or that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Some of its certificates are queued, or it is still selecting.
    Running,
    /// All of its certificates were migrated, or taken back or set aside after that by a person.
    Succeeded,
    /// Some of its certificates failed.
    CompletedWithFailures,
    /// A person cancelled what was still queued of it.
    Cancelled,
    /// There was nothing to queue.
    NothingSelected,
}

impl RunOutcome {
    /// The outcome as it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::CompletedWithFailures => "completed_with_failures",
            Self::Cancelled => "cancelled",
            Self::NothingSelected => "nothing_selected",
        }
    }
}

/// A run, and what became of its certificates: of those that a later run queued again, what they were then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the keys are explained in rules.md, Runs")]
pub struct Run {
    pub run: i64,
    pub kind: RunKind,
    pub by: String,
    pub host: String,
    pub at: DateTime<Utc>,
    /// What the command was told to select.
    pub filter: Value,
    /// What the command counted when it queued them.
    pub selected: i64,
    pub queued: i64,
    pub migrated: i64,
    pub failed: i64,
    pub skipped: i64,
    pub reverted: i64,
    /// When it had queued all that it was to select; none while it does, and where it was interrupted.
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether it may still be queueing: it has not ended, and a producer is at work.
    pub is_selecting: bool,
    pub cancelled_at: Option<DateTime<Utc>>,
    pub cancelled_by: Option<String>,
}

impl Run {
    /// How it has ended, or that it has not.
    #[must_use]
    pub fn outcome(&self) -> RunOutcome {
        match self {
            Self { queued: 1.., .. } => RunOutcome::Running,
            Self { cancelled_at: Some(_), .. } => RunOutcome::Cancelled,
            // A verification queues nothing.
            Self { is_selecting: true, .. } | Self { kind: RunKind::Verify, ended_at: None, .. } => RunOutcome::Running,
            Self { kind: RunKind::Verify, .. } => RunOutcome::Succeeded,
            Self { selected: 0, .. } => RunOutcome::NothingSelected,
            Self { failed: 1.., .. } => RunOutcome::CompletedWithFailures,
            _ => RunOutcome::Succeeded,
        }
    }

    /// Whether the command ended before it had queued all that it was to select.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.ended_at.is_none() && !self.is_selecting
    }

    /// Whether what became of its certificates is as many as it selected.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.selected == self.queued + self.migrated + self.failed + self.skipped + self.reverted
    }

    /// How many of its certificates are in `state`.
    #[must_use]
    pub const fn count(&self, state: State) -> i64 {
        match state {
            State::Queued => self.queued,
            State::Migrated => self.migrated,
            State::Failed => self.failed,
            State::Skipped => self.skipped,
            State::Reverted => self.reverted,
        }
    }
}

impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            run: i64,
            kind: RunKind,
            by: &'a str,
            host: &'a str,
            at: DateTime<Utc>,
            filter: &'a Value,
            selected: i64,
            queued: i64,
            migrated: i64,
            failed: i64,
            skipped: i64,
            reverted: i64,
            outcome: RunOutcome,
            adds_up: bool,
            interrupted: bool,
            ended_at: Option<DateTime<Utc>>,
            cancelled_at: Option<DateTime<Utc>>,
            cancelled_by: Option<&'a str>,
        }
        let Self { run, kind, host, at, selected, queued, migrated, failed, skipped, reverted, .. } = self;
        Document {
            run: *run,
            kind: *kind,
            by: &self.by,
            host,
            at: *at,
            filter: &self.filter,
            selected: *selected,
            queued: *queued,
            migrated: *migrated,
            failed: *failed,
            skipped: *skipped,
            reverted: *reverted,
            outcome: self.outcome(),
            adds_up: self.adds_up(),
            interrupted: self.is_interrupted(),
            ended_at: self.ended_at,
            cancelled_at: self.cancelled_at,
            cancelled_by: self.cancelled_by.as_deref(),
        }
        .serialize(serializer)
    }
}

/// Begins a run; returns its number. `filter` is what the command was told to select.
pub async fn begin_run(database: &Database, kind: RunKind, by: &str, host: &str, filter: &Value) -> Result<i64, Error> {
    let failed = |error| Error::new("begin a run", error);
    let mut session = database.session().await?;
    let run = sqlx::query_file_scalar!("queries/run_begin.sql", kind.as_str(), by, host, filter)
        .fetch_one(&mut *session)
        .await
        .map_err(failed)?;
    session.end().await.map_err(failed)?;
    Ok(run)
}

/// Counts certificates that a run queues in this transaction. Returns false when the run was cancelled: then nothing more may
/// be queued.
pub async fn select_in_run(connection: &mut PgConnection, run: i64, certificates: usize) -> Result<bool, Error> {
    let certificates = i64::try_from(certificates).unwrap_or(i64::MAX);
    let counted = sqlx::query_file_scalar!("queries/run_select.sql", run, certificates)
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::new("count certificates in their run", error))?;
    Ok(counted.is_some())
}

/// Notes that a run has queued all that it was to select.
pub async fn end_run(database: &Database, run: i64) -> Result<(), Error> {
    let failed = |error| Error::new("end a run", error);
    let mut session = database.session().await?;
    sqlx::query_file!("queries/run_end.sql", run).execute(&mut *session).await.map_err(failed)?;
    session.end().await.map_err(failed)
}

/// Notes that a person cancelled a run; who did it first stays. Returns false when there is no such run.
pub async fn cancel_run(connection: &mut PgConnection, run: i64, by: &str) -> Result<bool, Error> {
    let cancelled = sqlx::query_file_scalar!("queries/run_cancel.sql", run, by)
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::new("cancel a run", error))?;
    Ok(cancelled.is_some())
}

/// The newest `limit` runs, the newest first; or only run `only`.
pub async fn runs(connection: &mut PgConnection, only: Option<i64>, limit: i64) -> Result<Vec<Run>, Error> {
    let doing = "read the runs";
    let rows = sqlx::query_file!("queries/runs.sql", only, limit)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new(doing, error))?;
    let runs = rows.into_iter().map(|row| {
        let kind = RunKind::ALL.into_iter().find(|kind| kind.as_str() == row.kind);
        Ok(Run {
            run: row.id,
            kind: kind.ok_or_else(|| Error::unexpected(doing, format!("unknown kind of run `{}`", row.kind)))?,
            by: row.begun_by,
            host: row.host,
            at: row.begun_at,
            filter: row.filter,
            selected: row.selected,
            queued: row.queued,
            migrated: row.migrated,
            failed: row.failed,
            skipped: row.skipped,
            reverted: row.reverted,
            ended_at: row.ended_at,
            is_selecting: row.is_selecting,
            cancelled_at: row.cancelled_at,
            cancelled_by: row.cancelled_by,
        })
    });
    runs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(selected: i64, [queued, migrated, failed, skipped, reverted]: [i64; 5]) -> Run {
        Run {
            run: 1,
            kind: RunKind::Enqueue,
            by: "anna".to_owned(),
            host: "desk".to_owned(),
            at: DateTime::UNIX_EPOCH,
            filter: Value::Null,
            selected,
            queued,
            migrated,
            failed,
            skipped,
            reverted,
            ended_at: Some(DateTime::UNIX_EPOCH),
            is_selecting: false,
            cancelled_at: None,
            cancelled_by: None,
        }
    }

    #[test]
    fn an_outcome_is_what_became_of_the_certificates() {
        for (selected, counts, outcome) in [
            (0, [0, 0, 0, 0, 0], RunOutcome::NothingSelected),
            (3, [1, 1, 1, 0, 0], RunOutcome::Running),
            (3, [0, 3, 0, 0, 0], RunOutcome::Succeeded),
            (3, [0, 2, 1, 0, 0], RunOutcome::CompletedWithFailures),
            (3, [0, 1, 0, 1, 1], RunOutcome::Succeeded),
        ] {
            let run = run(selected, counts);
            assert_eq!(run.outcome(), outcome, "{counts:?}");
            assert!(run.adds_up());
        }
        assert!(!run(3, [0, 1, 1, 0, 0]).adds_up());
    }

    #[test]
    fn a_run_that_still_selects_is_running_and_a_cancelled_one_says_so() {
        let selecting = Run { ended_at: None, is_selecting: true, ..run(0, [0; 5]) };
        assert_eq!(selecting.outcome(), RunOutcome::Running);
        let faster = Run { ended_at: None, is_selecting: true, ..run(3, [0, 2, 1, 0, 0]) };
        assert_eq!(faster.outcome(), RunOutcome::Running, "workers are faster than the producer");
        let interrupted = Run { ended_at: None, ..run(0, [0; 5]) };
        assert_eq!((interrupted.outcome(), interrupted.is_interrupted()), (RunOutcome::NothingSelected, true));
        let cancelled = Run { cancelled_at: Some(DateTime::UNIX_EPOCH), ..run(3, [0, 1, 0, 2, 0]) };
        assert_eq!(cancelled.outcome(), RunOutcome::Cancelled);
        let in_hand = Run { cancelled_at: Some(DateTime::UNIX_EPOCH), ..run(3, [1, 0, 0, 2, 0]) };
        assert_eq!(in_hand.outcome(), RunOutcome::Running, "workers finish what they have in hand");
    }
}
