//! `producer status`.

pub(crate) mod text;

use std::io::{self, IsTerminal};
use std::time::Duration;

use anyhow::anyhow;
use certferry_bootstrap::{Config, Hint, HintFrom, Shutdown, exit, output};
use certferry_operations::{Error, Progress, Watched};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::cli::Status;
use crate::lock_wait::{is_lock_timeout, naming_the_holder};
use crate::{connections, watch};

/// How often `--watch` prints a document.
const DOCUMENT_INTERVAL: Duration = Duration::from_secs(1);

/// How often `--watch` prints a line.
const LINE_INTERVAL: Duration = Duration::from_secs(3);

/// Says how far the migration is, once or again and again.
pub(crate) async fn run(config: &Config, arguments: &Status, json: bool, shutdown: &Shutdown) -> anyhow::Result<()> {
    let connecting = async {
        let watched = Watched {
            database: connections::impatient_database(config).await?,
            queue: connections::impatient_queue(config).await?,
            orphan_after: config.worker.orphan_after,
            timezone: config.dates.timezone,
            run: arguments.run,
        };
        anyhow::Ok(watched)
    };
    let Some(watched) = shutdown.interrupting(connecting).await else { return Ok(()) };
    let watched = watched?;
    if arguments.watch && !json && io::stdin().is_terminal() && io::stdout().is_terminal() && watch::is_possible() {
        return shutdown.interrupting(Box::pin(watch::run(&watched))).await.unwrap_or(Ok(()));
    }
    if arguments.watch {
        return shutdown.interrupting(print(&watched, json)).await.unwrap_or(Ok(()));
    }
    let Some(progress) = shutdown.interrupting(first(&watched)).await else { return Ok(()) };
    let progress = progress?;
    if json {
        output::line(serde_json::to_string(&progress)?)?;
    } else {
        output::line(text::whole(&progress, config.dates.timezone))?;
    }
    Ok(())
}

/// Prints what it sees until it is interrupted. A database that is away and a lock that somebody else holds are waited for.
async fn print(watched: &Watched, json: bool) -> anyhow::Result<()> {
    let interval = if json { DOCUMENT_INTERVAL } else { LINE_INTERVAL };
    let mut ticks = interval_at(Instant::now(), interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_first = true;
    loop {
        ticks.tick().await;
        let looked = if is_first { first(watched).await } else { again(watched).await };
        let progress = match looked {
            Ok(progress) => progress,
            Err(error) if is_outage(&error) && !is_first || is_lock_timeout(&error) => {
                tracing::warn!("{error:#}; looking again");
                continue;
            }
            Err(error) => return Err(error),
        };
        is_first = false;
        if json {
            output::line(serde_json::to_string(&progress)?)?;
        } else {
            output::line(text::line(&progress))?;
        }
    }
}

/// Whether a database is away, for a while.
pub(crate) fn is_outage(error: &anyhow::Error) -> bool {
    exit::cause(error).is_some_and(Error::is_outage)
        || exit::cause(error).is_some_and(certferry_store::Error::is_outage)
}

/// Looks, after having made sure that there is something to look at.
async fn first(watched: &Watched) -> anyhow::Result<Progress> {
    let looking = async {
        certferry_store::ensure_ready(&watched.database).await.hint_from(certferry_store::Error::hint)?;
        look(watched).await
    };
    naming_the_holder(&watched.database, Box::pin(looking)).await
}

async fn again(watched: &Watched) -> anyhow::Result<Progress> {
    naming_the_holder(&watched.database, Box::pin(look(watched))).await
}

async fn look(watched: &Watched) -> anyhow::Result<Progress> {
    let progress = certferry_operations::status(watched).await.hint_from(Error::hint)?;
    progress.ok_or_else(|| no_such_run(watched)).hint("`producer runs` lists them")
}

pub(crate) fn no_such_run(watched: &Watched) -> anyhow::Error {
    anyhow!("there is no run {}", watched.run.unwrap_or_default())
}
