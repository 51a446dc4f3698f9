//! What is left when a worker that drains finds no job any more: certificates whose jobs are missing, or a producer that
//! is about to push some.

use std::time::Duration;

use anyhow::anyhow;
use certferry_bootstrap::{Hint, Shutdown};

use crate::error::Error;
use crate::supervise::Shared;

/// How often in a row missing jobs are pushed without a certificate coming to an end.
const RESTORATIONS: u32 = 3;

/// How often to look again when a look failed though both databases answer.
const LOOKS: u32 = 5;

/// What a process found whenever its queue was empty.
#[derive(Debug, Default)]
pub(crate) struct Drained {
    /// How often jobs were missing since certificates last came to an end.
    in_vain: u32,
    settled: u64,
}

/// What there is besides the queue.
enum Left {
    Nothing,
    Jobs { restored: u64 },
    ProducerAtWork,
}

impl Drained {
    /// Whether a worker should begin again; pushes the jobs that are missing, and waits for producers that are at work.
    pub(crate) async fn leaves_work(&mut self, shared: &Shared, shutdown: &Shutdown) -> anyhow::Result<bool> {
        let mut is_waiting = false;
        let mut failures = 0;
        while !shutdown.is_requested() {
            let looking = shared.health.until_recovered(Box::pin(look(shared)));
            let Some(left) = shutdown.interrupting(looking).await else { break };
            match left.unwrap_or(Err(Error::Interrupted)) {
                Ok(Left::Nothing) => return Ok(false),
                Ok(Left::Jobs { restored }) => return self.again(restored, shared.tally.settled()),
                Ok(Left::ProducerAtWork) => {
                    if !std::mem::replace(&mut is_waiting, true) {
                        tracing::info!("the queue is empty, and a producer is at work; waiting for it");
                    }
                    shutdown.interrupting(tokio::time::sleep(shared.config.worker.poll_interval)).await;
                }
                Err(error) => {
                    let waiting =
                        async { matches!(error, Error::Interrupted) || shared.health.wait_after(&error).await };
                    let Some(was_away) = shutdown.interrupting(Box::pin(waiting)).await else { break };
                    failures = if was_away { 0 } else { failures + 1 };
                    if failures >= LOOKS {
                        return Err(anyhow::Error::from(error).context("could not look whether anything is left"));
                    }
                    shutdown.interrupting(tokio::time::sleep(Duration::from_millis(100) * failures)).await;
                }
            }
        }
        Ok(false)
    }

    /// Goes on, unless jobs vanish again and again.
    fn again(&mut self, restored: u64, settled: u64) -> anyhow::Result<bool> {
        if restored == 0 {
            return Ok(true);
        }
        self.in_vain = if settled > self.settled { 1 } else { self.in_vain + 1 };
        self.settled = settled;
        if self.in_vain > RESTORATIONS {
            return Err(anyhow!(
                "{restored} queued certificates have no job, and those that are pushed for them vanish"
            ))
            .hint("find out who deletes rows of apalis.jobs, then use `producer enqueue`, which pushes them again");
        }
        tracing::warn!(jobs = restored, "queued certificates had no job; their jobs are back in the queue");
        Ok(true)
    }
}

/// In this order: a producer that ends after the first look has pushed what the last one finds.
async fn look(shared: &Shared) -> Result<Left, Error> {
    let steering = &shared.health.steering;
    let is_anyone_at_work = certferry_operations::is_anyone_at_work(steering).await?;
    let max_attempts = i32::try_from(shared.config.worker.max_attempts).unwrap_or(i32::MAX);
    let restored = certferry_operations::restore_jobs(steering, max_attempts, || false).await?;
    Ok(if restored > 0 || shared.health.queue.is_outstanding().await? {
        Left::Jobs { restored }
    } else if is_anyone_at_work {
        Left::ProducerAtWork
    } else {
        Left::Nothing
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_vanish_again_and_again_end_it_and_progress_does_not() {
        let mut drained = Drained::default();
        for settled in 1..=10 {
            assert!(drained.again(5, settled).is_ok_and(|again| again), "{settled}");
        }
        for _ in 0..2 {
            assert!(drained.again(5, 10).is_ok());
        }
        assert!(drained.again(0, 10).is_ok_and(|again| again), "others pushed them");
        let error = drained.again(5, 10).expect_err("it was in vain");
        assert!(error.to_string().starts_with("5 queued certificates have no job"), "{error}");
    }
}
