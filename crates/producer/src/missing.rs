//! Jobs of queued certificates that are missing, for `producer enqueue` and `producer retry`.

use std::fmt;

use anyhow::Context;
use certferry_bootstrap::{HintFrom, Shutdown};
use certferry_operations::Error;
use certferry_store::Database;

/// Pushes the jobs that are missing, or only counts them in a dry run. Returns how many they are.
pub(crate) async fn restore(
    database: &Database,
    max_attempts: i32,
    dry_run: bool,
    shutdown: &Shutdown,
) -> anyhow::Result<u64> {
    let restoring = async {
        if dry_run {
            certferry_operations::count_missing_jobs(database).await
        } else {
            certferry_operations::restore_jobs(database, max_attempts, || shutdown.is_requested()).await
        }
    };
    let restored = shutdown.at_once().run_until_cancelled(restoring).await.context("interrupted; run it again")?;
    let restored = restored.hint_from(Error::hint)?;
    if restored > 0 && !dry_run {
        tracing::warn!(jobs = restored, "queued certificates had no job; their jobs are back in the queue");
    }
    Ok(restored)
}

/// What a command's line says of them.
pub(crate) fn display(f: &mut fmt::Formatter<'_>, jobs: u64, dry_run: bool) -> fmt::Result {
    match (jobs, dry_run) {
        (0, _) => Ok(()),
        (jobs, false) => write!(f, ", missing jobs restored {jobs}"),
        (jobs, true) => write!(f, ", jobs that are missing {jobs}"),
    }
}
