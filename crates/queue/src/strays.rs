//! Strays: jobs that the server claimed for a worker which never learned of it, for the answer was lost. They are nobody's
//! as long as the worker lives, so it has to give them back itself.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use certferry_connection::Connections;
use tokio::time::Instant;

use crate::Error;
use crate::job::Batch;

/// The jobs that a worker knows to be its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct InHand(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    jobs: HashSet<String>,
    /// When a claim last ended without an answer.
    doubted_at: Option<Instant>,
}

impl InHand {
    pub(crate) fn add(&self, batch: &Batch) {
        self.lock().jobs.extend(batch.iter().map(|job| job.id.clone()));
    }

    pub(crate) fn remove(&self, batch: &Batch) {
        let mut known = self.lock();
        for job in batch {
            known.jobs.remove(&job.id);
        }
    }

    /// A claim has ended without an answer.
    pub(crate) fn doubt(&self) {
        self.lock().doubted_at = Some(Instant::now());
    }

    /// Gives strays back while there may be any: until `longest`, the longest that a claim may take on the server, has
    /// passed since the last doubt.
    ///
    /// Should a claim be answered only after its jobs were given back, two workers have them; one result will be late.
    pub(crate) async fn release_strays(
        &self,
        connections: &Connections,
        worker: &str,
        longest: Duration,
    ) -> Result<(), Error> {
        let (doubted_at, ids) = {
            let known = self.lock();
            let Some(doubted_at) = known.doubted_at else { return Ok(()) };
            (doubted_at, known.jobs.iter().cloned().collect::<Vec<_>>())
        };
        let failed = |error| Error::new("give stray jobs back", error);
        let mut session = connections.session().await.map_err(failed)?;
        let released = sqlx::query_file!("queries/release_strays.sql", worker, &ids)
            .execute(&mut *session)
            .await
            .map_err(failed)?;
        session.end().await.map_err(failed)?;
        if released.rows_affected() > 0 {
            tracing::info!(
                jobs = released.rows_affected(),
                "a claim was never answered; its jobs are back in the queue"
            );
        }
        let mut known = self.lock();
        if known.doubted_at == Some(doubted_at) && doubted_at.elapsed() > longest {
            known.doubted_at = None;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
