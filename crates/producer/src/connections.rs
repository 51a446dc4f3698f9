//! What the commands talk to, as the configuration says.

use std::time::Duration;

use certferry_bootstrap::{Config, Hint, HintFrom, Shutdown};
use certferry_operations::{AtWork, Participant, operator};
use certferry_queue::Queue;
use certferry_source::Source;
use certferry_store::Database;

/// Enough for a command, which has a few pages in hand at most.
const CONNECTIONS: u32 = 4;

/// The longest that a command for which a person waits waits for a lock.
const IMPATIENT_LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// What the server calls the sessions of commands for which a person waits.
pub(crate) const IMPATIENT: &str = "certferry-impatient";

/// How much a command may do at once, so that nothing waits for a connection.
pub(crate) fn at_once(config: &Config) -> usize {
    CONNECTIONS.min(config.database.max_connections).min(config.source.max_connections) as usize
}

/// The destination's database, whatever is in it.
pub(crate) async fn database(config: &Config) -> anyhow::Result<Database> {
    database_as(config, "certferry", config.database.statement_timeout).await
}

/// The destination's database, whatever is in it, for a command for which a person waits. To be used within
/// [`crate::lock_wait::naming_the_holder`].
pub(crate) async fn impatient_database(config: &Config) -> anyhow::Result<Database> {
    database_as(config, IMPATIENT, IMPATIENT_LOCK_TIMEOUT).await
}

async fn database_as(
    config: &Config,
    application_name: &'static str,
    lock_timeout: Duration,
) -> anyhow::Result<Database> {
    let settings = certferry_store::Settings {
        url: config.database_url()?.expose().to_owned(),
        destination_schema: config.destination.schema.clone(),
        max_connections: CONNECTIONS.min(config.database.max_connections),
        connect_timeout: config.database.connect_timeout,
        statement_timeout: config.database.administrative_timeout(),
        lock_timeout,
        application_name,
    };
    Database::connect(&settings).await.hint_from(certferry_store::Error::hint)
}

/// The destination's database after `producer setup`, for a command that looks at the migration or steers it: when a table of
/// the destination is gone, that must still be possible.
pub(crate) async fn steering_database(config: &Config) -> anyhow::Result<Database> {
    let database = database(config).await?;
    certferry_store::ensure_ready(&database).await.hint_from(certferry_store::Error::hint)?;
    Ok(database)
}

/// The destination's database after `producer setup`.
pub(crate) async fn ready_database(config: &Config) -> anyhow::Result<Database> {
    let database = steering_database(config).await?;
    certferry_store::destination_tables(&database).await.hint_from(certferry_store::Error::hint)?;
    Ok(database)
}

/// The destination's database after `producer setup`, for a command that fills the queue: the workers know of it from here
/// on, so that one that drains waits for the first page. A dry run fills nothing.
pub(crate) async fn database_to_fill(
    config: &Config,
    command: &str,
    dry_run: bool,
) -> anyhow::Result<(Database, Option<AtWork>)> {
    let database = ready_database(config).await?;
    if dry_run {
        return Ok((database, None));
    }
    let name = format!("producer {command}, process {} of {}", std::process::id(), operator());
    let at_work = AtWork::begin(&database, &name).await.hint_from(certferry_store::Error::hint)?;
    Ok((database, Some(at_work)))
}

/// Tells the workers that the queue is filled; does not wait for it when told to stop at once.
pub(crate) async fn end_filling(at_work: Option<AtWork>, shutdown: &Shutdown) {
    if let Some(at_work) = at_work {
        shutdown.at_once().run_until_cancelled(at_work.end()).await;
    }
}

/// A command as it takes part in the migration: it must agree with the manifest.
pub(crate) fn participant<'a>(
    config: &'a Config,
    database: &'a Database,
    source: Option<&'a Source>,
    name: &'a str,
) -> Participant<'a> {
    Participant { config, database, source, uses_rules: true, name }
}

/// The queue, whether it is set up or not.
pub(crate) async fn queue(config: &Config) -> anyhow::Result<Queue> {
    queue_as(config, certferry_queue::APPLICATION_NAME, config.database.administrative_timeout()).await
}

/// The queue for a command for which a person waits; see [`impatient_database`].
pub(crate) async fn impatient_queue(config: &Config) -> anyhow::Result<Queue> {
    queue_as(config, IMPATIENT, IMPATIENT_LOCK_TIMEOUT).await
}

async fn queue_as(config: &Config, application_name: &'static str, lock_timeout: Duration) -> anyhow::Result<Queue> {
    let settings = certferry_queue::Settings {
        url: config.database_url()?.expose().to_owned(),
        connect_timeout: config.database.connect_timeout,
        statement_timeout: config.database.administrative_timeout(),
        lock_timeout,
        application_name,
    };
    Queue::connect(&settings).await.hint_from(certferry_queue::Error::hint)
}

/// The legacy database.
pub(crate) async fn source(config: &Config) -> anyhow::Result<Source> {
    let settings = certferry_source::Settings {
        certificates: config.source.certificates.clone(),
        customers: config.source.customers.clone(),
        technicians: config.source.technicians.clone(),
        timezone: config.dates.timezone,
        max_connections: CONNECTIONS.min(config.source.max_connections),
        connect_timeout: config.source.connect_timeout,
        acquire_timeout: config.source.connect_timeout,
        statement_timeout: config.source.statement_timeout,
        max_rows_per_second: config.source.max_rows_per_second,
    };
    match Source::connect(config.source_url()?.expose(), &settings).await {
        Err(error @ certferry_source::Error::Url { .. }) => Err(error).hint_from(certferry_source::Error::hint).usage(),
        connected => connected.hint_from(certferry_source::Error::hint),
    }
}
