//! The status table: one row for every certificate ever enqueued.

use std::collections::HashSet;

use certferry_certificate::{Evidence, Identity, Issue, NewId, OldId, State, Warning};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{Error, record_queued};

/// How a certificate ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the destination.
    Migrated {
        /// The new certificate.
        new_certificate_id: NewId,
        /// Its vehicle, if it has one.
        new_vehicle_id: Option<NewId>,
        /// What was left out.
        warnings: Vec<Warning>,
    },
    /// It is not, for these reasons: sorted, at least one.
    Failed(Vec<Issue>),
}

/// A certificate whose job has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The legacy id.
    pub id: OldId,
    /// What the source calls it, if the source has it.
    pub identity: Identity,
    /// When this run of its job began.
    pub started_at: DateTime<Utc>,
    /// How it ended.
    pub verdict: Verdict,
    /// What is kept of it, to tell later what has changed since; none where its row in the source was not at hand.
    pub evidence: Option<Evidence>,
}

/// The certificates whose rows were final already: their results changed nothing.
pub type Late = Vec<OldId>;

/// Records results. Rows that are final stay as they are; their ids are returned.
pub async fn finish(connection: &mut PgConnection, worker: &str, results: &[Finished]) -> Result<Late, Error> {
    if results.is_empty() {
        return Ok(Late::new());
    }
    let mut rows = Rows::default();
    for result in results {
        rows.push(result)?;
    }
    let recorded: HashSet<i64> = sqlx::query_file_scalar!(
        "queries/finish.sql",
        &rows.ids,
        &rows.states as _,
        &rows.certificate_numbers as _,
        &rows.ecu_numbers as _,
        &rows.new_certificate_ids as _,
        &rows.new_vehicle_ids as _,
        &rows.error_kinds as _,
        &rows.error_codes as _,
        &rows.error_messages as _,
        &rows.issues as _,
        &rows.warnings as _,
        &rows.started_at,
        worker,
        &rows.evidence as _,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| Error::new("record results", error))?
    .into_iter()
    .collect();
    Ok(results.iter().map(|result| result.id).filter(|id| !recorded.contains(&id.0)).collect())
}

/// The columns of `finish.sql`.
#[derive(Default)]
struct Rows<'a> {
    ids: Vec<i64>,
    states: Vec<&'static str>,
    certificate_numbers: Vec<Option<String>>,
    ecu_numbers: Vec<Option<String>>,
    new_certificate_ids: Vec<Option<i64>>,
    new_vehicle_ids: Vec<Option<i64>>,
    error_kinds: Vec<Option<&'static str>>,
    error_codes: Vec<Option<&'static str>>,
    error_messages: Vec<Option<&'a str>>,
    issues: Vec<Option<Value>>,
    warnings: Vec<Option<Value>>,
    started_at: Vec<DateTime<Utc>>,
    evidence: Vec<Option<Vec<u8>>>,
}

impl<'a> Rows<'a> {
    fn push(&mut self, result: &'a Finished) -> Result<(), Error> {
        self.ids.push(result.id.0);
        self.certificate_numbers.push(result.identity.certificate_number.clone());
        self.ecu_numbers.push(result.identity.ecu_number.clone());
        self.started_at.push(result.started_at);
        let (state, new_certificate_id, new_vehicle_id, issues, warnings): (_, _, _, &[Issue], &[Warning]) =
            match &result.verdict {
                Verdict::Migrated { new_certificate_id, new_vehicle_id, warnings } => {
                    (State::Migrated, Some(new_certificate_id.0), new_vehicle_id.map(|id| id.0), &[], warnings)
                }
                Verdict::Failed(issues) => (State::Failed, None, None, issues, &[]),
            };
        self.evidence.push(result.evidence.as_ref().map(Evidence::to_bytes));
        self.states.push(state.as_str());
        self.new_certificate_ids.push(new_certificate_id);
        self.new_vehicle_ids.push(new_vehicle_id);
        let first = issues.first();
        self.error_kinds.push(first.map(|issue| issue.kind.as_str()));
        self.error_codes.push(first.map(|issue| issue.code.as_str()));
        self.error_messages.push(first.map(|issue| issue.message.as_str()));
        self.issues.push(json(issues)?);
        self.warnings.push(json(warnings)?);
        Ok(())
    }
}

fn json<T: serde::Serialize>(values: &[T]) -> Result<Option<Value>, Error> {
    if values.is_empty() {
        return Ok(None);
    }
    serde_json::to_value(values).map(Some).map_err(|error| Error::unexpected("write issues as JSON", error))
}

/// Status rows that the caller's transaction has locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locked {
    /// The certificates that are still queued.
    pub open: HashSet<OldId>,
    /// Those of them that had no row: somebody pushed a job for one without it, or its row was deleted.
    pub recorded: Vec<OldId>,
}

/// Locks the rows, in the order of their ids. Waits for whoever is finishing one of them or queueing it again.
///
/// A certificate without a row gets one, as queued: its job asks for it, and without a row nobody would ever learn what
/// became of it.
pub async fn lock_open(connection: &mut PgConnection, ids: &[OldId]) -> Result<Locked, Error> {
    let mut locked = Locked::default();
    let found = lock_rows(connection, ids, &mut locked.open).await?;
    if found.len() == ids.len() {
        return Ok(locked);
    }
    let absent: Vec<OldId> = ids.iter().copied().filter(|id| !found.contains(id)).collect();
    locked.recorded = record_queued(connection, &absent, None).await?;
    // The others were inserted by somebody else meanwhile.
    lock_rows(connection, &absent, &mut locked.open).await?;
    Ok(locked)
}

/// Locks the rows that there are, and adds those that are queued to `open`. Returns which there are.
async fn lock_rows(
    connection: &mut PgConnection,
    ids: &[OldId],
    open: &mut HashSet<OldId>,
) -> Result<HashSet<OldId>, Error> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_file!("queries/lock_open.sql", &ids)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("lock status rows", error))?;
    open.extend(rows.iter().filter(|row| row.is_open).map(|row| OldId(row.certificate_id)));
    Ok(rows.into_iter().map(|row| OldId(row.certificate_id)).collect())
}

/// Counts results that came after another worker's; returns how many they are.
pub async fn note_late(connection: &mut PgConnection, worker: &str, late: &[OldId]) -> Result<usize, Error> {
    if late.is_empty() {
        return Ok(0);
    }
    let ids: Vec<i64> = late.iter().map(|id| id.0).collect();
    let noted = sqlx::query_file!("queries/note_late.sql", &ids, worker)
        .execute(connection)
        .await
        .map_err(|error| Error::new("count late results", error))?;
    Ok(usize::try_from(noted.rows_affected()).unwrap_or(usize::MAX))
}

/// A run of a job that ended without a result; its certificate stays queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// The certificate.
    pub id: OldId,
    /// The worker that ran it.
    pub worker: Option<String>,
    /// Why it is tried again; none when its worker died.
    pub issue: Option<Issue>,
}

/// Counts and keeps runs of jobs that ended without a result: they were postponed, or their worker died.
pub async fn count_attempts(connection: &mut PgConnection, interrupted: &[Interrupted]) -> Result<(), Error> {
    if interrupted.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = interrupted.iter().map(|attempt| attempt.id.0).collect();
    let outcome = |attempt: &Interrupted| if attempt.issue.is_some() { "postponed" } else { "crashed" };
    let outcomes: Vec<String> = interrupted.iter().map(|attempt| outcome(attempt).to_owned()).collect();
    let workers: Vec<Option<String>> = interrupted.iter().map(|attempt| attempt.worker.clone()).collect();
    let mut issues = Vec::with_capacity(interrupted.len());
    for attempt in interrupted {
        issues.push(json(attempt.issue.as_slice())?.unwrap_or_else(|| Value::Array(Vec::new())));
    }
    sqlx::query_file!("queries/count_attempts.sql", &ids, &outcomes, &workers as _, &issues)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("record attempts", error))
}
