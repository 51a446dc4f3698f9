//! Ranges of ids, leased to whoever looks through them.

use certferry_certificate::{Finding, OldId};
use sqlx::PgConnection;

use super::FindingRow;
use crate::{Database, Error};

/// The seconds for which a range is leased; whoever looks through it renews the lease.
const LEASE: f64 = 30.0;

/// Whose ids a range is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the entities, by their names")]
pub enum RangeOf {
    Certificates,
    Customers,
    Technicians,
}

impl RangeOf {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificates => "certificate",
            Self::Customers => "customer",
            Self::Technicians => "technician",
        }
    }
}

/// A range of ids that is to be looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The run that verifies.
    pub run: i64,
    /// Whose ids.
    pub of: RangeOf,
    /// The lowest.
    pub first: OldId,
    /// The highest.
    pub last: OldId,
    /// How often it was looked through before.
    pub round: i32,
}

/// Leases a range that is to be looked through now; none where there is none.
pub async fn claim_range(database: &Database, run: i64, by: &str) -> Result<Option<Range>, Error> {
    let doing = "take up what is to be verified";
    let row = sqlx::query_file!("queries/verification_claim.sql", run, by, LEASE)
        .fetch_optional(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new(doing, error))?;
    let Some(row) = row else { return Ok(None) };
    let of = [RangeOf::Certificates, RangeOf::Customers, RangeOf::Technicians];
    let of = of.into_iter().find(|of| of.as_str() == row.entity);
    let of = of.ok_or_else(|| Error::unexpected(doing, format!("unknown entity `{}`", row.entity)))?;
    Ok(Some(Range { run, of, first: OldId(row.first), last: OldId(row.last), round: row.round }))
}

/// Cuts the next range of certificates, and leases it; `up_to` gives its highest id above the one it is given, or none where
/// that is the last range. None where all is cut.
pub async fn cut_range<E: From<Error>>(
    database: &Database,
    run: i64,
    by: &str,
    up_to: impl AsyncFnOnce(Option<OldId>) -> Result<Option<OldId>, E>,
) -> Result<Option<Range>, E> {
    let failed = |error| Error::new("cut what is to be verified", error);
    let mut transaction = database.begin().await?;
    let row =
        sqlx::query_file!("queries/verification_lock.sql", run).fetch_one(&mut *transaction).await.map_err(failed)?;
    if row.is_cut {
        transaction.rollback().await?;
        return Ok(None);
    }
    let last = up_to(row.cut_to.map(OldId)).await?;
    let first = row.cut_to.map_or(i64::MIN, |cut| cut.saturating_add(1));
    sqlx::query_file!("queries/verification_cut.sql", run, first, last.map(|last| last.0), by, LEASE)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await?;
    let last = last.unwrap_or(OldId(i64::MAX));
    Ok(Some(Range { run, of: RangeOf::Certificates, first: OldId(first), last, round: 0 }))
}

/// Renews the lease of a range; false where somebody else has it by now.
pub async fn renew_range(database: &Database, range: &Range, by: &str) -> Result<bool, Error> {
    let Range { run, of, first, .. } = range;
    let renewed = sqlx::query_file!("queries/verification_renew.sql", run, of.as_str(), first.0, by, LEASE)
        .execute(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new("renew the lease of what is verified", error))?;
    Ok(renewed.rows_affected() == 1)
}

/// What was found in a range and is to be looked at again, each with the id it is about.
pub async fn unsettled(database: &Database, range: &Range) -> Result<Vec<(OldId, Finding)>, Error> {
    let doing = "read what was found";
    let Range { run, of, first, .. } = range;
    let rows = sqlx::query_file_as!(FindingRow, "queries/verification_unsettled.sql", run, of.as_str(), first.0)
        .fetch_all(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new(doing, error))?;
    rows.into_iter().map(|row| Ok((OldId(row.key), row.finding(doing)?))).collect()
}

/// Ends a round of a range, with what it found in place of what was not settled: `again` is when it is to be looked at
/// again, in seconds; where it is none, the range is done. False where somebody else has the lease by now: then nothing is
/// changed.
pub async fn end_range(
    connection: &mut PgConnection,
    range: &Range,
    by: &str,
    findings: &[(OldId, Finding, bool)],
    again: Option<f64>,
    (verified, unaddressable): (i64, i64),
) -> Result<bool, Error> {
    let failed = |error| Error::new("record what was found", error);
    let Range { run, of, first, round, .. } = range;
    let of = of.as_str();
    let ended = sqlx::query_file!(
        "queries/verification_end_range.sql",
        run,
        of,
        first.0,
        by,
        round,
        again,
        verified,
        unaddressable
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if ended.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query_file!("queries/verification_forget.sql", run, of, first.0)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    if findings.is_empty() {
        return Ok(true);
    }
    let text = |of: fn(&Finding) -> &Option<String>| -> Vec<Option<&str>> {
        findings.iter().map(|(_, finding, _)| of(finding).as_deref()).collect()
    };
    sqlx::query_file!(
        "queries/verification_find.sql",
        run,
        of,
        first.0,
        &findings.iter().map(|(subject, ..)| subject.0).collect::<Vec<_>>(),
        &findings.iter().map(|(_, it, _)| it.certificate_id.map(|id| id.0)).collect::<Vec<_>>() as _,
        &findings.iter().map(|(_, it, _)| it.new_certificate_id.map(|id| id.0)).collect::<Vec<_>>() as _,
        &findings.iter().map(|(_, it, _)| it.verdict.as_str()).collect::<Vec<_>>() as _,
        &text(|it| &it.field) as _,
        &text(|it| &it.raw) as _,
        &text(|it| &it.expected) as _,
        &text(|it| &it.found) as _,
        &findings.iter().map(|(.., is_settled)| *is_settled).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(true)
}
