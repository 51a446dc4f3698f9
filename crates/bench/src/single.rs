//! How long one certificate takes on an idle system, from enqueueing to migrated.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::PgConnection;
use tokio::time::{sleep, timeout};

use crate::arena::{Arena, Prepared, RUN};
use crate::program::{self, Running};
use crate::results::Latencies;

/// How many certificates are migrated, one after the other.
const CERTIFICATES: usize = 100;

/// How many are not counted, until the worker has opened its connections.
const WARMING_UP: usize = 5;

/// How long one may take at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures with one worker that waits for jobs, and `producer enqueue --id` for each certificate.
///
/// All times are the database's: `enqueued_at` is when the transaction that enqueues began.
pub(crate) async fn measure(arena: &Arena, prepared: &Prepared) -> Result<Latencies> {
    arena.fresh(prepared).await?;
    let command = arena.certferry("worker", &prepared.source, RUN, None);
    let worker = Running::start("worker", command, &arena.log("worker"))?;
    let process = worker.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let process = process.context("the worker has no process")?;
    let mut connection = arena.connect(RUN).await?;
    let good = (1..=prepared.certificates()).filter(|id| prepared.dataset.fault(*id).is_none());
    let mut latencies = Latencies { seen: Vec::new(), finished: Vec::new() };
    for (place, id) in good.take(WARMING_UP + CERTIFICATES).enumerate() {
        let mut command = arena.certferry("producer", &prepared.source, RUN, None);
        command.args(["enqueue", "--id", &id.to_string()]);
        let log = arena.log("producer");
        let enqueued = program::run("producer", command, &log);
        let seen = async {
            let seen = timeout(PATIENCE, seen(&mut connection, i64::try_from(id)?)).await;
            seen.with_context(|| format!("certificate {id} was not migrated in time"))?
        };
        let (_, (seen, finished)) = tokio::try_join!(enqueued, seen)?;
        if place >= WARMING_UP {
            latencies.seen.push(seen);
            latencies.finished.push(finished);
        }
    }
    kill_process(process, Signal::TERM).context("could not ask the worker to end")?;
    worker.end().await?;
    Ok(latencies)
}

/// Milliseconds since it was enqueued when this session first sees it migrated, and by its status row.
async fn seen(connection: &mut PgConnection, id: i64) -> Result<(f64, f64)> {
    loop {
        let row: Option<(f64, f64)> =
            sqlx::query_as(include_str!("seen.sql")).bind(id).fetch_optional(&mut *connection).await?;
        if let Some(row) = row {
            return Ok(row);
        }
        sleep(Duration::from_millis(1)).await;
    }
}
