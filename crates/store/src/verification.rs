//! Verifications: what any number of processes look through together, and what they found. `rules.md`, Afterwards.

mod people;
mod ranges;

use certferry_certificate::{Finding, NewId, OldId, Verdict};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{Database, Error};
pub use people::{CreatedPerson, certificates_of, created_people};
pub use ranges::{Range, RangeOf, claim_range, cut_range, end_range, renew_range, unsettled};

/// A verification as it is recorded.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Which certificates; all of them where it is empty.
    pub filter: Value,
    /// Of all certificates this share is looked at.
    pub share: f64,
    /// What came of it; none until it has ended.
    pub result: Option<Value>,
}

/// Both sides of the equations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "rules.md, Afterwards, has the equations")]
pub struct Counts {
    pub status_rows: i64,
    /// The same by the tally.
    pub tallied: i64,
    pub migrated: i64,
    /// Migrated ones of which nothing was kept when they were written.
    pub unproven: i64,
    pub destination: i64,
    /// Destination certificates that a status row owns.
    pub found: i64,
    /// Status rows that own one.
    pub owned: i64,
    /// Those that none does.
    pub unowned: i64,
    pub vehicles: i64,
    pub vehicles_found: i64,
    pub created: i64,
    pub created_found: i64,
    /// What the ranges came to.
    pub verified: i64,
    pub unaddressable: i64,
    pub twins: i64,
    pub gone: i64,
    pub not_enqueued: i64,
    pub accepted: i64,
    pub findings: i64,
}

/// Records that a run verifies; `people` says whether also those that the migration created, in ranges of so many.
pub async fn begin_verification(
    database: &Database,
    run: i64,
    filter: &Value,
    share: f64,
    people: Option<i64>,
) -> Result<(), Error> {
    let mut transaction = database.begin().await?;
    sqlx::query_file!("queries/verification_begin.sql", run, filter, share, people.is_some(), people.unwrap_or(1))
        .execute(&mut *transaction)
        .await
        .map_err(|error| Error::new("begin a verification", error))?;
    transaction.commit().await
}

/// The verification of a run, if it is one.
pub async fn verification(database: &Database, run: i64) -> Result<Option<Verification>, Error> {
    let row = sqlx::query_file!("queries/verification.sql", run)
        .fetch_optional(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new("read the verification", error))?;
    Ok(row.map(|row| Verification { filter: row.filter, share: row.share, result: row.result }))
}

/// Locks a verification until the end of the transaction. Says whether it has ended.
pub async fn lock_verification(connection: &mut PgConnection, run: i64) -> Result<bool, Error> {
    let row = sqlx::query_file!("queries/verification_lock.sql", run)
        .fetch_one(connection)
        .await
        .map_err(|error| Error::new("lock the verification", error))?;
    Ok(row.has_ended)
}

/// How many of its ranges are not done.
pub async fn open_ranges(database: &Database, run: i64) -> Result<i64, Error> {
    sqlx::query_file_scalar!("queries/verification_open.sql", run)
        .fetch_one(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new("count what is left to verify", error))
}

/// What only a look at everything shows: twins that have an owner are none; where the whole was looked at, a certificate that
/// several status rows claim is found, and `unreadable` ids of the source, in words; and what a person has accepted is marked.
/// The caller holds the lock of the verification.
pub async fn conclude(connection: &mut PgConnection, run: i64, unreadable: Option<&[String]>) -> Result<(), Error> {
    let failed = |error| Error::new("conclude the verification", error);
    sqlx::query_file!("queries/verification_owned.sql", run).execute(&mut *connection).await.map_err(failed)?;
    if let Some(names) = unreadable {
        sqlx::query_file!("queries/verification_unaddressable.sql", run, names)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        sqlx::query_file!("queries/verification_shared.sql", run).execute(&mut *connection).await.map_err(failed)?;
    }
    sqlx::query_file!("queries/verification_accept.sql", run).execute(connection).await.map(drop).map_err(failed)
}

/// Counts both sides of the equations.
pub async fn verification_counts(connection: &mut PgConnection, run: i64) -> Result<Counts, Error> {
    let failed = |error| Error::new("count both sides", error);
    let counted =
        sqlx::query_file!("queries/verification_counts.sql").fetch_one(&mut *connection).await.map_err(failed)?;
    let sums = sqlx::query_file!("queries/verification_sums.sql", run).fetch_one(connection).await.map_err(failed)?;
    Ok(Counts {
        status_rows: counted.status_rows,
        tallied: counted.tallied,
        migrated: counted.migrated,
        unproven: counted.unproven,
        destination: counted.destination,
        found: counted.found,
        owned: counted.owned,
        unowned: counted.unowned,
        vehicles: counted.vehicles,
        vehicles_found: counted.vehicles_found,
        created: counted.created,
        created_found: counted.created_found,
        verified: sums.verified,
        unaddressable: sums.unaddressable,
        twins: sums.twins,
        gone: sums.gone,
        not_enqueued: sums.not_enqueued,
        accepted: sums.accepted,
        findings: sums.findings,
    })
}

/// How many have a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByVerdict {
    /// Which, never `match`.
    pub verdict: Verdict,
    /// Certificates, and people whom no certificate has any more.
    pub all: i64,
    /// Certificates alone.
    pub certificates: i64,
}

/// How many have each verdict but `match`; one that has several counts under the gravest.
pub async fn by_verdict(connection: &mut PgConnection, run: i64) -> Result<Vec<ByVerdict>, Error> {
    let doing = "count what was found";
    let gravest_first: Vec<String> = Verdict::ALL.iter().map(|verdict| verdict.as_str().to_owned()).collect();
    let rows = sqlx::query_file!("queries/verification_by_verdict.sql", run, &gravest_first)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new(doing, error))?;
    let rows = rows.into_iter().map(|row| {
        Ok(ByVerdict { verdict: parsed(&row.verdict, doing)?, all: row.all, certificates: row.certificates })
    });
    rows.collect()
}

/// Records what came of a verification, which has then ended.
pub async fn end_verification(connection: &mut PgConnection, run: i64, result: &Value) -> Result<(), Error> {
    sqlx::query_file!("queries/verification_end.sql", run, result)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::new("end the verification", error))
}

/// A page of what a verification found and nobody has accepted, by certificate; and where the next page begins.
pub async fn findings_page(
    database: &Database,
    run: i64,
    after: Option<(i64, i64)>,
    limit: i64,
) -> Result<(Vec<Finding>, Option<(i64, i64)>), Error> {
    let doing = "read what was found";
    let (certificate, id) = after.unzip();
    let rows = sqlx::query_file_as!(FindingRow, "queries/verification_findings.sql", run, id, certificate, limit)
        .fetch_all(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new(doing, error))?;
    let next = rows.last().map(|row| (row.certificate_id.unwrap_or(i64::MAX), row.key));
    Ok((rows.into_iter().map(|row| row.finding(doing)).collect::<Result<_, Error>>()?, next))
}

/// A finding as it is stored.
struct FindingRow {
    /// What it is ordered by, or about.
    key: i64,
    certificate_id: Option<i64>,
    new_certificate_id: Option<i64>,
    verdict: String,
    field: Option<String>,
    raw: Option<String>,
    expected: Option<String>,
    found: Option<String>,
}

impl FindingRow {
    fn finding(self, doing: &str) -> Result<Finding, Error> {
        Ok(Finding {
            certificate_id: self.certificate_id.map(OldId),
            new_certificate_id: self.new_certificate_id.map(NewId),
            verdict: parsed(&self.verdict, doing)?,
            field: self.field,
            raw: self.raw,
            expected: self.expected,
            found: self.found,
        })
    }
}

/// Accepts what the last verification found of a certificate; says which findings they were.
pub async fn accept_findings(
    database: &Database,
    certificate: OldId,
    reason: &str,
    by: &str,
) -> Result<Vec<(Verdict, Option<String>)>, Error> {
    let doing = "accept what was found";
    let mut transaction = database.begin().await?;
    let rows = sqlx::query_file!("queries/accept_findings.sql", certificate.0, reason, by)
        .fetch_all(&mut *transaction)
        .await
        .map_err(|error| Error::new(doing, error))?;
    transaction.commit().await?;
    let field = |field: String| Some(field).filter(|field| !field.is_empty());
    rows.into_iter().map(|row| Ok((parsed(&row.verdict, doing)?, field(row.field)))).collect()
}

fn parsed(text: &str, doing: &str) -> Result<Verdict, Error> {
    Verdict::parse(text).ok_or_else(|| Error::unexpected(doing.to_owned(), format!("unknown verdict `{text}`")))
}
