//! Who is filling the queue just now, so that a worker that drains does not end before the first page is there.

use std::time::Duration;

use certferry_store::{Database, Error};
use tokio::task::JoinSet;

/// How often a producer says that it is at work.
const SAYS_EVERY: Duration = Duration::from_secs(2);

/// A producer that has said nothing for so long is dead, or cut off.
const SILENT_AFTER: Duration = Duration::from_secs(10);

/// A producer at work, known to all workers until it ends, or falls silent because it died.
#[derive(Debug)]
pub struct AtWork {
    database: Database,
    id: i64,
    /// Ends with this value.
    saying: JoinSet<()>,
}

impl AtWork {
    /// Registers a producer; `name` says which, to whoever looks into the database.
    pub async fn begin(database: &Database, name: &str) -> Result<Self, Error> {
        let id = certferry_store::register_producer(database, name).await?;
        let mut saying = JoinSet::new();
        saying.spawn(say_so(database.clone(), id));
        Ok(Self { database: database.clone(), id, saying })
    }

    /// Has done its work. Where that cannot be said, workers find out by its silence.
    pub async fn end(mut self) {
        self.saying.shutdown().await;
        if let Err(error) = certferry_store::deregister_producer(&self.database, self.id).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "workers that drain wait until this producer counts as silent"
            );
        }
    }
}

async fn say_so(database: Database, id: i64) {
    loop {
        tokio::time::sleep(SAYS_EVERY).await;
        if let Err(error) = certferry_store::renew_producer(&database, id).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the producer could not say that it is at work");
        }
    }
}

/// Whether any producer is filling the queue.
pub async fn is_anyone_at_work(database: &Database) -> Result<bool, Error> {
    certferry_store::producers_at_work(database, SILENT_AFTER).await
}
