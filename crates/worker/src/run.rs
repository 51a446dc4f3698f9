use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use certferry_bootstrap::{Config, HintFrom, Shutdown, output, telemetry};
use certferry_queue::{Batch, Claiming, Queue, Worker};
use certferry_source::Source;
use certferry_store::Database;

use crate::Cli;
use crate::engine::Engine;
use crate::known::KnownMappings;
use crate::outage::Outage;
use crate::sweep::sweep;
use crate::tally::Tally;

/// Runs the worker until it is told to stop, or until no job is left where it drains.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let Some(config) = cli.configuration()? else { return Ok(()) };
    telemetry::init(&config.log);
    let shutdown = Shutdown::listen().context("could not listen for signals")?;
    let Some(connected) = shutdown.interrupting(Box::pin(connect(&config))).await else { return Ok(()) };
    let Connected { database, source, queue } = connected?;

    let worker = Worker::default();
    let engine = Arc::new(Engine {
        worker: worker.name().to_owned(),
        limits: certferry_store::limits(&database).await.hint_from(certferry_store::Error::hint)?,
        policy: config.policy(),
        outage: Outage::new(worker.may_claim().clone(), config.database.connect_timeout),
        known: KnownMappings::default(),
        tally: Tally::default(),
        config: config.worker.clone(),
        database,
        source,
    });
    let claiming = Claiming {
        concurrency: config.worker.concurrency,
        batch_size: u32::try_from(config.worker.batch_size)?,
        max_crashes: config.worker.max_crashes,
        orphan_after: config.worker.orphan_after,
        poll_interval: config.worker.poll_interval,
        drain: cli.drain,
    };
    let handler = {
        let engine = engine.clone();
        move |batch: Batch| {
            let engine = engine.clone();
            async move { engine.process(batch).await }
        }
    };
    tracing::info!(worker = worker.name(), "the worker is ready");
    let ended = tokio::select! {
        ended = worker.run(&queue, &claiming, shutdown.graceful().clone(), handler) => Some(ended),
        () = sweep(engine.clone(), worker.clone(), config.worker.orphan_after) => None,
        () = patience(&shutdown, config.worker.shutdown_grace) => None,
    };
    if let Some(ended) = ended {
        ended.hint_from(certferry_queue::Error::hint)?;
    } else {
        let given_back = queue.abandon(worker.name()).await;
        given_back.context("could not give back what was claimed; other workers will take it over")?;
        tracing::warn!("stopped before everything that was begun had ended; it is back in the queue");
    }
    output::line(&engine.tally)?;
    Ok(())
}

/// Returns when a worker that was told to stop has had its time, or is told again.
async fn patience(shutdown: &Shutdown, grace: Duration) {
    shutdown.graceful().cancelled().await;
    tracing::info!("stopping: finishing what was begun");
    shutdown.at_once().run_until_cancelled(tokio::time::sleep(grace)).await;
}

struct Connected {
    database: Database,
    source: Source,
    queue: Queue,
}

async fn connect(config: &Config) -> anyhow::Result<Connected> {
    let database_url = config.database_url()?.expose();
    let source_url = config.source_url()?.expose();
    let settings = certferry_store::Settings {
        url: database_url.to_owned(),
        destination_schema: config.destination.schema.clone(),
        max_connections: config.database.max_connections,
        connect_timeout: config.database.connect_timeout,
        statement_timeout: config.database.statement_timeout,
    };
    let database = Database::connect(&settings).await.hint_from(certferry_store::Error::hint)?;
    certferry_store::ensure_ready(&database).await.hint_from(certferry_store::Error::hint)?;
    let settings = certferry_queue::Settings {
        url: database_url.to_owned(),
        connect_timeout: config.database.connect_timeout,
        statement_timeout: config.database.statement_timeout,
    };
    let queue = Queue::connect(&settings).await.hint_from(certferry_queue::Error::hint)?;
    queue.is_outstanding().await.hint_from(certferry_queue::Error::hint)?;
    let settings = certferry_source::Settings {
        certificates: config.source.certificates.clone(),
        customers: config.source.customers.clone(),
        technicians: config.source.technicians.clone(),
        max_connections: config.source.max_connections,
        connect_timeout: config.source.connect_timeout,
        statement_timeout: config.source.statement_timeout,
        max_rows_per_second: config.source.max_rows_per_second,
        ..certferry_source::Settings::default()
    };
    let source = Source::connect(source_url, &settings).await.hint_from(certferry_source::Error::hint)?;
    Ok(Connected { database, source, queue })
}
