use std::sync::Arc;

use anyhow::Context;
use certferry_bootstrap::{HintFrom, Shutdown, output, telemetry};
use certferry_operations::{Participant, operator};
use certferry_queue::Holds;
use clap::CommandFactory as _;

use crate::breaker::Breaker;
use crate::cli::Command;
use crate::connected::connect;
use crate::limit::Limit;
use crate::memory::Memory;
use crate::supervise::{Ended, Shared};
use crate::tally::Tally;
use crate::{Cli, one_by_one};

/// Runs workers until told to stop, or until no job is left where they drain.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    if let Some(Command::Documentation(documentation)) = &cli.command {
        return documentation.print(Cli::command());
    }
    let Some(config) = cli.configuration()? else { return Ok(()) };
    telemetry::init(&config.log);
    if let Some(Command::OneByOne(arguments)) = &cli.command {
        return Box::pin(one_by_one::run(&config, arguments)).await;
    }
    let shutdown = Shutdown::listen().context("could not listen for signals")?;
    let holds = Holds::default();
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
    let tally = Arc::new(Tally::default());
    let breaker = Breaker::new(health.steering.clone(), config.breaker.clone(), holds.clone());
    let shared = Shared {
        limit: Arc::new(Limit::new(health.steering.clone(), breaker.limit())),
        breaker: Arc::new(breaker),
        health: Arc::new(health),
        catalog,
        drain: cli.drain,
        holds,
        tally: tally.clone(),
        memory: Arc::new(Memory::new(config.worker.max_memory, config.worker.concurrency)),
        config,
    };
    if Box::pin(shared.run(&shutdown)).await? == Ended::CutShort {
        tracing::warn!("stopped before everything that was begun had ended; it is back in the queue");
    }
    output::line(&*tally)?;
    Ok(())
}
