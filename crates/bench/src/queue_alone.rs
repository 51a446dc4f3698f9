//! The queue alone: as many jobs as there are certificates, each of which does nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use certferry_certificate::OldId;
use certferry_queue::{Batch, Claimed, Claiming, Holds, Queue, Settings, Unlimited, Worker};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio_util::sync::CancellationToken;

use crate::arena::{Arena, Prepared, RUN};
use crate::meter::Meter;
use crate::results::Run;

/// Jobs pushed in one transaction, as `producer enqueue` does by default.
const PAGE: usize = 5000;

/// As the worker's defaults.
fn claiming() -> Claiming {
    Claiming {
        concurrency: 4,
        batch_size: 500,
        max_crashes: 3,
        orphan_after: Duration::from_secs(30),
        poll_interval: Duration::from_secs(1),
        drain: true,
        is_traced: false,
    }
}

/// Pushes the jobs, and then claims and completes them with one worker, in this process.
pub(crate) async fn run(arena: &Arena, prepared: &Prepared) -> Result<Run> {
    arena.fresh(prepared).await?;
    let meter = Meter::begin(arena, &prepared.source).await?;
    let url = arena.url(RUN, None);
    let pool = PgPoolOptions::new().max_connections(10).connect(&url).await?;
    let settings = Settings {
        url,
        connect_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_mins(1),
        lock_timeout: Duration::from_mins(1),
        application_name: certferry_queue::APPLICATION_NAME,
    };
    let queue = Queue::connect(&settings).await?;

    let started = Instant::now();
    let ids: Vec<OldId> = (1..=i64::try_from(prepared.certificates())?).map(OldId).collect();
    for page in ids.chunks(PAGE) {
        let mut transaction = pool.begin().await?;
        certferry_queue::push(&mut transaction, page, 5).await?;
        transaction.commit().await?;
    }
    let pushing = started.elapsed().as_secs_f64();

    let started = Instant::now();
    let worker = Worker::new(Holds::default(), Arc::new(Unlimited));
    let name = worker.name().to_owned();
    let complete = {
        let pool = pool.clone();
        move |claimed: Claimed| {
            let (pool, name) = (pool.clone(), name.clone());
            async move {
                if let Err(error) = complete(&pool, &name, &claimed.jobs).await {
                    eprintln!("    a batch could not be completed: {error:#}");
                }
            }
        }
    };
    worker.run(&queue, &claiming(), CancellationToken::new(), complete).await?;
    let working = started.elapsed().as_secs_f64();

    ensure!(!queue.is_outstanding().await?, "some jobs are left");
    queue.close().await;
    pool.close().await;
    let spent = meter.end(arena).await?;
    Ok(Run {
        certificates: prepared.certificates(),
        seconds: pushing + working,
        parts: vec![("push", pushing), ("claim and complete", working)],
        programs: Vec::new(),
        spent,
    })
}

async fn complete(pool: &PgPool, worker: &str, batch: &Batch) -> Result<()> {
    let ids: Vec<String> = batch.iter().map(|job| job.id.clone()).collect();
    let mut transaction = pool.begin().await.context("could not begin")?;
    certferry_queue::complete(&mut transaction, worker, &ids).await?;
    transaction.commit().await.context("could not commit")
}
