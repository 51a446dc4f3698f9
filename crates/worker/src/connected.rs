//! What a worker is connected to.

use std::sync::Arc;
use std::time::Duration;

use certferry_bootstrap::{Config, HintFrom};
use certferry_certificate::OnMissing;
use certferry_queue::{Holds, Queue};
use certferry_source::Source;
use certferry_store::Database;
use tokio::sync::Mutex;

use crate::answers::Answers;
use crate::health::Health;
use crate::locks::Locks;

/// For the circuit breaker, the sweep and the look at locks, which must not wait for batches.
const STEERING: u32 = 3;

/// What the server calls the sessions of batches, whose waits for locks of others are cut short, and of everything else.
const BATCHES: &str = "certferry-batch";
const OTHERS: &str = "certferry";

/// For looking whether a server answers.
const PROBE: u32 = 1;

/// Connects to both databases and the queue; fails where something must be mended first.
pub(crate) async fn connect(config: &Config, holds: Holds) -> anyhow::Result<Health> {
    let database = async {
        let database = database(config, config.database.max_connections, BATCHES).await?;
        certferry_store::ensure_ready(&database).await.hint_from(certferry_store::Error::hint)?;
        certferry_store::destination_tables(&database).await.hint_from(certferry_store::Error::hint)?;
        anyhow::Ok(database)
    };
    let queue = async {
        let queue = queue(config).await?;
        queue.is_outstanding().await.hint_from(certferry_queue::Error::hint)?;
        anyhow::Ok(queue)
    };
    // All at once: it is many round trips, and the servers may be far away.
    let (database, queue, source, source_probe, steering, database_probe) = futures::try_join!(
        Box::pin(database),
        Box::pin(queue),
        Box::pin(source(config, config.source.max_connections)),
        Box::pin(source(config, PROBE)),
        Box::pin(self::database(config, STEERING, OTHERS)),
        Box::pin(self::database(config, PROBE, OTHERS)),
    )?;
    let policy = config.policy();
    Ok(Health {
        locks: Locks::new(steering.clone()),
        creates_customers: policy.customers == OnMissing::Create,
        creates_technicians: policy.technicians == OnMissing::Create,
        source,
        source_probe,
        destination_answers: Answers::of("destination"),
        source_answers: Answers::of("source"),
        steering,
        database_probe,
        database,
        queue,
        holds,
        answer_within: config.database.connect_timeout.max(config.source.connect_timeout),
        waiting: Mutex::default(),
        recoveries: 0.into(),
        failing: Arc::default(),
    })
}

/// For the person of one-by-one: the certificate at hand, and the claim that is renewed meanwhile.
const DESK: u32 = 3;

/// The longest that a person waits for a lock.
const DESK_LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The connections that certificates are read and planned with for a person; they write, too.
pub(crate) async fn connect_desk(config: &Config) -> anyhow::Result<(Database, Source)> {
    let database = async {
        let connections = DESK.min(config.database.max_connections);
        let database = database_with(config, connections, OTHERS, DESK_LOCK_TIMEOUT).await?;
        certferry_store::ensure_ready(&database).await.hint_from(certferry_store::Error::hint)?;
        certferry_store::destination_tables(&database).await.hint_from(certferry_store::Error::hint)?;
        anyhow::Ok(database)
    };
    let connections = DESK.min(config.source.max_connections);
    futures::try_join!(Box::pin(database), Box::pin(source(config, connections)))
}

async fn database(config: &Config, max_connections: u32, application_name: &'static str) -> anyhow::Result<Database> {
    database_with(config, max_connections, application_name, config.database.statement_timeout).await
}

async fn database_with(
    config: &Config,
    max_connections: u32,
    application_name: &'static str,
    lock_timeout: Duration,
) -> anyhow::Result<Database> {
    let settings = certferry_store::Settings {
        url: config.database_url()?.expose().to_owned(),
        destination_schema: config.destination.schema.clone(),
        max_connections,
        connect_timeout: config.database.connect_timeout,
        statement_timeout: config.database.statement_timeout,
        lock_timeout,
        application_name,
    };
    Database::connect(&settings).await.hint_from(certferry_store::Error::hint)
}

async fn queue(config: &Config) -> anyhow::Result<Queue> {
    let settings = certferry_queue::Settings {
        url: config.database_url()?.expose().to_owned(),
        connect_timeout: config.database.connect_timeout,
        statement_timeout: config.database.statement_timeout,
        lock_timeout: config.database.statement_timeout,
        application_name: certferry_queue::APPLICATION_NAME,
    };
    Queue::connect(&settings).await.hint_from(certferry_queue::Error::hint)
}

async fn source(config: &Config, max_connections: u32) -> anyhow::Result<Source> {
    let settings = certferry_source::Settings {
        certificates: config.source.certificates.clone(),
        customers: config.source.customers.clone(),
        technicians: config.source.technicians.clone(),
        timezone: config.dates.timezone,
        max_connections,
        connect_timeout: config.source.connect_timeout,
        acquire_timeout: config.source.connect_timeout,
        statement_timeout: config.source.statement_timeout,
        max_rows_per_second: config.source.max_rows_per_second,
    };
    Source::connect(config.source_url()?.expose(), &settings).await.hint_from(certferry_source::Error::hint)
}
