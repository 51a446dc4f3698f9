//! Commands that a person waits for do not wait for locks for long, and name who holds them.

use std::time::Duration;

use anyhow::Context;
use certferry_bootstrap::{Hint, exit};
use certferry_store::{Database, ForeignLock};
use tokio::time::{MissedTickBehavior, interval};

use crate::connections::IMPATIENT;

/// How often to look who holds the lock that is waited for: several times before the wait ends in vain.
const INTERVAL: Duration = Duration::from_millis(500);

/// What `work` gives, which uses the connections of [`crate::connections::impatient_database`]. When it waits for a
/// lock in vain, the error says who holds the lock, as was seen from another connection meanwhile.
pub(crate) async fn naming_the_holder<T>(
    database: &Database,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let mut holder = None;
    let looking = Box::pin(async {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match certferry_store::lock_holder(database, IMPATIENT).await {
                Ok(Some(lock)) => holder = Some(lock),
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "could not see who holds a lock");
                }
            }
        }
    });
    let done = tokio::select! {
        done = work => done,
        () = looking => unreachable!("it looks for as long as it is polled"),
    };
    match done {
        Err(error) if is_lock_timeout(&error) => explained(error, holder),
        done => done,
    }
}

/// Whether a lock that another session holds was waited for in vain.
pub(crate) fn is_lock_timeout(error: &anyhow::Error) -> bool {
    exit::cause(error).is_some_and(certferry_store::Error::is_lock_timeout)
        || exit::cause(error).is_some_and(certferry_queue::Error::is_lock_timeout)
        || exit::cause(error).is_some_and(certferry_operations::Error::is_lock_timeout)
}

fn explained<T>(error: anyhow::Error, holder: Option<ForeignLock>) -> anyhow::Result<T> {
    let (what, how) = match holder {
        Some(lock) => {
            let how = match lock.pid {
                Some(pid) => format!("`SELECT pg_terminate_backend({pid})` ends it"),
                None => "`ROLLBACK PREPARED` or `COMMIT PREPARED` ends it, pg_prepared_xacts shows it".to_owned(),
            };
            (format!("waited in vain for {lock}"), how)
        }
        None => ("waited in vain for a lock".to_owned(), "pg_stat_activity and pg_locks show who holds it".to_owned()),
    };
    let hint = format!("have whoever holds the lock end their transaction, then try again; {how}");
    Err(error).context(what).hint(hint)
}
