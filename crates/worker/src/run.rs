use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use certferry_bootstrap::{Config, Hint, HintFrom, Shutdown, output};
use certferry_operations::{Participant, operator};
use certferry_queue::Holds;
use certferry_telemetry::{Measured, Telemetry};
use certferry_web::Server;
use clap::CommandFactory as _;
use tokio_util::task::AbortOnDropHandle;

use crate::breaker::Breaker;
use crate::cli::Command;
use crate::connected::connect;
use crate::in_flight::InFlight;
use crate::lease::Lease;
use crate::limit::Limit;
use crate::memory::Memory;
use crate::metrics::{Metrics, Observed};
use crate::supervise::{Ended, Shared};
use crate::tally::Tally;
use crate::vitals::{self, Vitals};
use crate::{Cli, one_by_one, probe};

/// Runs workers until told to stop, or until no job is left where they drain; or does what else was asked for.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    if let Some(Command::Documentation(documentation)) = &cli.command {
        return documentation.print(Cli::command());
    }
    let Some(config) = cli.configuration()? else { return Ok(()) };
    if let Some(question) = cli.probe {
        return probe::run(&config, question).await;
    }
    let listens = config.worker.listen.is_some() && cli.command.is_none();
    let measured = if listens { Measured::ForAll } else { Measured::ForCollector };
    let telemetry = Telemetry::begin("certferry-worker", &config.log, measured)?;
    let result = match &cli.command {
        Some(Command::OneByOne(arguments)) => Box::pin(one_by_one::run(&config, arguments)).await,
        _ => Box::pin(work(config, cli.drain, &telemetry)).await,
    };
    telemetry.end().await;
    result
}

async fn work(config: Config, drain: bool, telemetry: &Telemetry) -> anyhow::Result<()> {
    let shutdown = Shutdown::listen().context("could not listen for signals")?;
    let vitals = Arc::new(Vitals {
        config: config.worker.clone(),
        in_flight: InFlight::default(),
        lease: Lease::default(),
        holds: Holds::default(),
        shutdown: shutdown.clone(),
        exposition: telemetry.exposition(),
        connected: OnceLock::new(),
    });
    let _listening = match config.worker.listen {
        Some(listen) => Some(answer(listen.address(), vitals.clone()).await?),
        None => None,
    };
    let tally = Arc::new(Tally::new(Metrics::new()));
    let holds = vitals.holds.clone();
    let connecting = async {
        let health = connect(&config, holds.clone()).await?;
        let name = format!("worker of {}", operator());
        let (database, source) = (&health.database, Some(&health.source));
        Participant { config: &config, database, source, uses_rules: true, name: &name }.agree().await?;
        let catalog = certferry_store::catalog(&health.database).await.hint_from(certferry_store::Error::hint)?;
        anyhow::Ok((health, catalog))
    };
    let Some(connected) = shutdown.interrupting(Box::pin(connecting)).await else { return Ok(()) };
    let (health, catalog) = connected?;
    if health.database.is_pooled() {
        tracing::info!("there is a pooler before the database: new jobs are looked for every worker.poll_interval");
    }
    let health = Arc::new(health);
    let memory = Arc::new(Memory::new(config.worker.max_memory, config.worker.concurrency));
    let (in_flight, lease) = (vitals.in_flight.clone(), vitals.lease.clone());
    Observed { health: health.clone(), memory: memory.clone(), in_flight: in_flight.clone(), lease: lease.clone() }
        .register();
    vitals.connected.get_or_init(|| health.clone());
    let breaker = Breaker::new(health.steering.clone(), config.breaker.clone(), holds.clone());
    let shared = Shared {
        limit: Arc::new(Limit::new(health.steering.clone(), breaker.limit())),
        breaker: Arc::new(breaker),
        health,
        catalog,
        drain,
        holds,
        tally: tally.clone(),
        memory,
        in_flight,
        lease,
        is_traced: telemetry.has_traces(),
        config,
    };
    if Box::pin(shared.run(&shutdown)).await? == Ended::CutShort {
        tracing::warn!("stopped before everything that was begun had ended; it is back in the queue");
    }
    output::line(&*tally)?;
    Ok(())
}

/// Answers at `worker.listen` until what is returned is dropped.
async fn answer(address: SocketAddr, vitals: Arc<Vitals>) -> anyhow::Result<AbortOnDropHandle<()>> {
    let server = Server::bind(address)
        .await
        .with_context(|| format!("could not listen on {address} (worker.listen)"))
        .hint("give each worker of a machine a port of its own, or leave worker.listen out")?;
    tracing::info!(address = %server.address(), "answering /livez, /readyz and /metrics");
    Ok(AbortOnDropHandle::new(tokio::spawn(server.serve(vitals::router(vitals)))))
}
