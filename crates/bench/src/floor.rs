//! The floor: what the database alone takes for certificates that are planned already.

use std::time::Instant;

use anyhow::{Result, ensure};
use sqlx::Connection;

use crate::arena::{Arena, Prepared, RUN};
use crate::certferry::Certferry;
use crate::meter::Meter;
use crate::results::Run;

/// The template with the planned certificates in one table, and no certificate.
const TEMPLATE: &str = "floor";

/// Lays out what Certferry makes of the certificates, ready to be inserted.
pub(crate) async fn prepare(arena: &Arena, prepared: &Prepared) -> Result<()> {
    Certferry { arena, prepared, workers: 2, address: None, collector: None }.run().await?;
    arena.copy(RUN, TEMPLATE).await?;
    arena.execute(TEMPLATE, &[include_str!("floor_plan.sql"), "VACUUM ANALYZE"]).await
}

/// Inserts them: one statement a table, one session, one transaction.
///
/// The rate counts all certificates, those included that are not there because they cannot be migrated.
pub(crate) async fn run(arena: &Arena, prepared: &Prepared) -> Result<Run> {
    arena.copy(TEMPLATE, RUN).await?;
    let meter = Meter::begin(arena, &prepared.source).await?;
    let mut connection = sqlx::PgConnection::connect(&arena.url(RUN, None)).await?;
    let started = Instant::now();
    sqlx::raw_sql(include_str!("floor.sql")).execute(&mut connection).await?;
    let seconds = started.elapsed().as_secs_f64();
    let (inserted, planned): (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM certificates), (SELECT count(*) FROM planned)")
            .fetch_one(&mut connection)
            .await?;
    ensure!(inserted == planned && inserted > 0, "the floor has {inserted} certificates of {planned}");
    connection.close().await?;
    let spent = meter.end(arena).await?;
    Ok(Run { certificates: prepared.certificates(), seconds, parts: Vec::new(), programs: Vec::new(), spent })
}
