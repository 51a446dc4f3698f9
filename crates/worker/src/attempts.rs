//! The attempts at a certificate: whether it is tried again, when, and what is recorded when it could not be settled.

use std::time::Duration;

use certferry_certificate::{Code, Identity, Issue};
use certferry_queue::Job;
use certferry_store::{Finished, Verdict};

use crate::apply::Postponed;
use crate::backoff;
use crate::engine::Engine;
use crate::error::{Error, describe};
use crate::settle::lock_open;
use crate::tally::Counts;

impl Engine {
    /// Records that a certificate, alone and with the databases answering, could not be settled.
    pub(crate) async fn give_up_for_now(&self, job: &Job, error: &Error) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        let id = job.certificate_id;
        let is_open = lock_open(&mut transaction, &[id]).await?.contains(&id);
        let mut counts = Counts::default();
        if is_open && !error.code().is_permanent() && self.may_retry(job) {
            let issue = Issue::new(error.code(), None, describe(error));
            let postponed = Postponed { id, job: job.id.clone(), delay: self.delay(job), issue };
            self.postpone(&mut transaction, vec![postponed]).await?;
            counts.postponed = 1;
            counts.retried.insert(error.code(), 1);
        } else {
            if is_open {
                let issue = Issue::new(error.code(), None, describe(error));
                counts.fail(std::slice::from_ref(&issue));
                let verdict = Verdict::Failed(vec![issue]);
                let (identity, started_at) = (Identity::default(), job.claimed_at);
                let result = Finished { id, identity, started_at, verdict, evidence: None };
                certferry_store::finish(&mut transaction, &self.worker, &[result]).await?;
            } else {
                counts.late = certferry_store::note_late(&mut transaction, &self.worker, &[id]).await?;
            }
            certferry_queue::complete(&mut transaction, &self.worker, std::slice::from_ref(&job.id)).await?;
        }
        transaction.commit().await?;
        self.count(&counts);
        if is_open {
            tracing::warn!(certificate.id = id.0, code = error.code().as_str(), "a certificate could not be settled");
        }
        Ok(())
    }

    /// Whether a job that has now run once more may run again. Runs that ended in a crash are counted apart.
    pub(crate) fn may_retry(&self, job: &Job) -> bool {
        failed_runs(job) < self.config.max_attempts
    }

    /// How long a job that has now failed once more waits.
    pub(crate) fn delay(&self, job: &Job) -> Duration {
        let (base, longest) = (self.config.backoff_base, self.config.backoff_max);
        backoff::delay(base, longest, failed_runs(job), rand::random())
    }
}

/// The runs of a job that failed, this one included.
pub(crate) fn failed_runs(job: &Job) -> u32 {
    u32::try_from(job.attempts - job.crashes).unwrap_or(0).saturating_add(1)
}

/// The code of a job whose workers died.
pub(crate) fn exhausted(crashes: i32) -> Issue {
    let message = format!(
        "its worker died {crashes} times, the last time with this certificate alone; look at the worker's log and at \
         the certificate's row, then use `producer retry`"
    );
    Issue::new(Code::AttemptsExhausted, None, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_code_shows_the_message_of_exhausted_attempts() {
        let issue = exhausted(3);
        assert!(issue.code.page().example().contains(&issue.message), "{}", issue.message);
    }
}
