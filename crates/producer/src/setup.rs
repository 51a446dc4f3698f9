use std::fmt;

use anyhow::{Context, anyhow};
use certferry_bootstrap::{Config, Hint, HintFrom, Shutdown};
use certferry_certificate::Code;
use certferry_operations::{Difference, Participant, operator};
use certferry_store::{Database, Error};
use serde::Serialize;

use crate::cli::Setup;
use crate::connections;

/// How often a migration is tried again that was undone because workers were in its way.
const TRIES: u32 = 20;

/// What `producer setup` did.
#[derive(Debug, Serialize)]
pub(crate) struct Prepared {
    ready: bool,
    reference_destination_created: bool,
    /// What keeps numbers and trade licences from being written twice.
    uniqueness: Vec<String>,
    /// What of the manifest was changed.
    accepted: Vec<Difference>,
}

impl fmt::Display for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ready: the queue (schema apalis) and schema certferry are up to date, the destination's tables ")?;
        f.write_str(if self.reference_destination_created { "were created" } else { "are there" })?;
        self.uniqueness.iter().try_for_each(|line| write!(f, "\n{line}"))?;
        self.accepted.iter().try_for_each(|difference| write!(f, "\naccepted: {difference}"))
    }
}

/// Creates or upgrades what Certferry needs in the destination's database.
pub(crate) async fn run(config: &Config, arguments: &Setup, shutdown: &Shutdown) -> anyhow::Result<Prepared> {
    let work = Box::pin(set_up(config, arguments));
    shutdown.interrupting(work).await.context("interrupted; run `producer setup` again")?
}

async fn set_up(config: &Config, arguments: &Setup) -> anyhow::Result<Prepared> {
    let database = connections::database(config).await?;
    let schema = &config.destination.schema;
    // The destination comes first: where it is not what it must be, nothing of ours is created either.
    let created = if arguments.reference_destination {
        certferry_store::create_reference_destination(&database).await.hint_from(|error| {
            error.hint().or(Some("they are created all together, and only where none of them is there"))
        })?
    } else {
        false
    };
    let missing = certferry_store::missing_from_destination(&database).await.hint_from(Error::hint)?;
    if !missing.is_empty() {
        return Err(anyhow!("the destination (schema {schema}) lacks {}", missing.join(", "))).hint(
            "check database.url and destination.schema; for a trial, `producer setup --reference-destination` creates \
             the reference tables",
        );
    }
    certferry_store::destination_tables(&database).await.hint_from(Error::hint)?;
    let queue = connections::queue(config).await?;
    // A table that workers use is changed when they let it go; should they wait for each other, it is tried again.
    let mut tries = 0..TRIES;
    while let Err(error) = queue.migrate().await {
        if error.code() != Code::Deadlock || tries.next().is_none() {
            return Err(error).hint_from(certferry_queue::Error::hint);
        }
    }
    while let Err(error) = certferry_store::migrate(&database).await {
        if error.code() != Code::Deadlock || tries.next().is_none() {
            return Err(error).hint_from(Error::hint);
        }
    }
    if arguments.accept_changes {
        let orphan_after = config.worker.orphan_after;
        let mut alive = queue.workers_alive(orphan_after).await.hint_from(certferry_queue::Error::hint)?;
        alive.extend(queue.desks_alive(orphan_after).await.hint_from(certferry_queue::Error::hint)?);
        if !alive.is_empty() {
            return Err(anyhow!(
                "nothing was accepted: workers are alive, or people in one-by-one, and would go on by what they began with: {}",
                alive.join(", ")
            ))
            .hint("stop them and run it again; a worker that was killed counts as alive for worker.orphan_after");
        }
    }
    let uniqueness = certferry_store::uniqueness(&database).await.hint_from(Error::hint)?;
    let accepted = agree(config, &database, arguments.accept_changes).await?;
    queue.close().await;
    database.close().await;
    Ok(Prepared {
        ready: true,
        reference_destination_created: created,
        uniqueness: uniqueness.to_string().lines().map(str::to_owned).collect(),
        accepted,
    })
}

/// Records the destination, or what has changed of everything where that is accepted. The source is looked at only then:
/// who sets up need not be able to reach it.
async fn agree(config: &Config, database: &Database, accepts: bool) -> anyhow::Result<Vec<Difference>> {
    let name = format!("producer setup of {}", operator());
    let participant = connections::participant(config, database, None, &name);
    if !accepts {
        Participant { uses_rules: false, ..participant }.agree().await?;
        return Ok(Vec::new());
    }
    let source = if config.source.url.is_some() { Some(connections::source(config).await?) } else { None };
    let accepted = Participant { source: source.as_ref(), ..participant }.accept().await?;
    if let Some(source) = source {
        source.close().await;
    }
    Ok(accepted)
}
