//! The batch engine: settles what was claimed, in parts where it must, and accounts for every job of it.

use std::collections::{BTreeSet, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use certferry_bootstrap::config::WorkerConfig;
use certferry_certificate::{Code, RulesFingerprint};
use certferry_migration::{Planner, crash_point, panic_message};
use certferry_queue::{Batch, Claimed, Job};
use certferry_store::Database;
use futures::FutureExt;
use opentelemetry::KeyValue;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{TraceContextExt as _, get_active_span};
use tokio::time::Instant;

use crate::attempts::failed_runs;
use crate::breaker::Breaker;
use crate::error::Error;
use crate::health::{FailingServer, Health};
use crate::in_flight::{InFlight, UnderWay};
use crate::memory::{Memory, Part};
use crate::tally::{Counts, Tally};

/// How often a batch is tried, with both databases answering, before it is split.
const TRIES_TOGETHER: u32 = 3;

/// How long a single certificate is not blamed for what may be the server's trouble.
const BENEFIT_OF_THE_DOUBT: Duration = Duration::from_mins(1);

/// The longest pause before something is tried again that failed before.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The pauses between attempts at what keeps failing, each twice as long as the one before.
#[derive(Debug)]
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(Duration::from_millis(100))
    }
}

impl Pause {
    async fn wait(&mut self) {
        tokio::time::sleep(self.0.mul_f64(rand::random_range(0.5..1.0))).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
    }
}

/// What every batch of a worker needs.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) worker: String,
    pub(crate) database: Database,
    pub(crate) planner: Planner,
    /// Of the planner's rules.
    pub(crate) rules: RulesFingerprint,
    pub(crate) config: WorkerConfig,
    /// Whether the last batch had something that the database refused.
    pub(crate) is_careful: AtomicBool,
    pub(crate) health: Arc<Health>,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) in_flight: InFlight,
    pub(crate) tally: Arc<Tally>,
}

impl Engine {
    /// Works on a claimed batch until every job of it is completed or postponed.
    ///
    /// An outage is waited for, and so is a server that answers but works for nobody. What keeps failing otherwise is
    /// halved, until the certificate to blame stands alone and is tried again later.
    pub(crate) async fn process(&self, claimed: Claimed) {
        let metrics = &self.tally.metrics;
        metrics.claimed(claimed.took);
        let begun = Instant::now();
        let trace = claimed.begin_trace(&self.worker);
        let took = claimed.took;
        Box::pin(self.settle_all(claimed.jobs)).with_context(trace.clone()).await;
        trace.span().end();
        metrics.batch_ended(took + begun.elapsed());
    }

    /// Settles every job of a batch.
    async fn settle_all(&self, batch: Batch) {
        let under_way = self.in_flight.begin();
        let (batch, doubles) = each_once(batch);
        self.drop_doubles(&doubles).await;
        crash_point("claimed");
        let mut parts = vec![Part::from(batch)];
        let mut tries = 0;
        let mut failing = None;
        let mut settled_before = None;
        let mut noted = false;
        let mut pause = Pause::default();
        while let Some(Part { jobs: mut part, memory }) = parts.pop() {
            under_way.proceed();
            let Some(memory) = memory else {
                parts.extend(self.measured(part, &under_way).await.into_iter().rev());
                continue;
            };
            let _memory = under_way.while_waiting(self.memory.take(memory)).await;
            let settled = AssertUnwindSafe(self.settle_in_time(&part)).catch_unwind().await;
            let error = match settled.unwrap_or_else(|payload| Err(Error::Panic(panic_message(&*payload)))) {
                Ok(counts) => {
                    self.count(&counts);
                    self.breaker.judge(&self.worker, &counts).await;
                    (tries, failing) = (0, None);
                    pause = Pause::default();
                    // Those that are tried again are suspects themselves.
                    let has_news = part.iter().any(|job| failed_runs(job) == 1);
                    if let Some(code) = counts.got_nothing_through().filter(|_| has_news) {
                        self.note_once(&mut noted, code).await;
                    }
                    continue;
                }
                Err(error) => error,
            };
            if matches!(error, Error::Panic(_)) {
                tries = TRIES_TOGETHER;
            } else if matches!(error, Error::Interrupted)
                || under_way.while_waiting(self.health.wait_after(&error)).await
            {
                parts.push(part.into());
                continue;
            }
            if self.health.locks.is_wait(&error) {
                self.health.locks.note_wait();
                if part.len() > 1 {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second.into(), part.into()]);
                    continue;
                }
                match self.in_time(self.set_back(&part[0])).await {
                    Ok(true) => {
                        self.count(&Counts { postponed: 1, ..Counts::default() });
                        continue;
                    }
                    // It has waited for long enough.
                    Ok(false) => tries = TRIES_TOGETHER,
                    Err(later) => {
                        tracing::debug!(error = &later as &dyn std::error::Error, "it could not be put back yet");
                        pause.wait().await;
                        parts.push(part.into());
                        continue;
                    }
                }
            }
            tries += 1;
            let settled_before = *settled_before.get_or_insert_with(|| self.tally.settled());
            if tries < TRIES_TOGETHER {
                tracing::debug!(error = &error as &dyn std::error::Error, tries, "a batch failed; trying again");
                tokio::time::sleep(self.config.backoff_base.min(Duration::from_millis(100)) * tries).await;
                parts.push(part.into());
                continue;
            }
            let is_general = error.is_outage() || error.is_misfit();
            if is_general && self.works_for_nobody(&mut part, failing.as_ref(), settled_before, &under_way).await {
                self.note_once(&mut noted, error.code()).await;
                let failing = failing.get_or_insert_with(|| self.health.server_fails(&error));
                under_way.while_waiting(failing.pause()).await;
                parts.push(part.into());
                continue;
            }
            if !matches!(error, Error::Panic(_)) && !self.health.locks.is_wait(&error) {
                self.note_once(&mut noted, error.code()).await;
            }
            if part.len() > 1 {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    certificates = part.len(),
                    "a batch keeps failing; trying its halves"
                );
                let second = part.split_off(part.len() / 2);
                parts.extend([second.into(), part.into()]);
                (tries, failing) = (TRIES_TOGETHER - 1, None);
            } else if let Err(later) = self.in_time(self.give_up_for_now(&part[0], &error)).await {
                tracing::debug!(error = &later as &dyn std::error::Error, "the failure could not be recorded yet");
                pause.wait().await;
                parts.push(part.into());
            } else {
                (tries, failing) = (0, None);
                pause = Pause::default();
            }
        }
    }

    /// Counts what became of certificates.
    pub(crate) fn count(&self, counts: &Counts) {
        self.tally.add(counts);
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let retried: usize = counts.retried.values().sum();
        get_active_span(|span| {
            let attributes = vec![
                KeyValue::new("certferry.migrated", number(counts.migrated)),
                KeyValue::new("certferry.failed", number(counts.failed())),
                KeyValue::new("certferry.retried", number(retried)),
                KeyValue::new("certferry.late", number(counts.late)),
            ];
            span.add_event("settled", attributes);
        });
    }

    /// Tells the circuit breaker that a batch met an error of infrastructure.
    async fn note_once(&self, noted: &mut bool, code: Code) {
        if !std::mem::replace(noted, true) {
            self.breaker.note_infrastructure_error(&self.worker, code).await;
        }
    }

    /// Whether a server that answers is at fault, and not some certificate: it refuses each of several alone. One that it
    /// takes after all is done with, and gone from the batch.
    ///
    /// Of a single certificate nobody knows, unless others got through since it failed first; it has the benefit of the
    /// doubt once, for a while.
    async fn works_for_nobody(
        &self,
        batch: &mut Batch,
        failing: Option<&FailingServer>,
        settled_before: u64,
        under_way: &UnderWay,
    ) -> bool {
        if let [job] = batch.as_slice() {
            let longest = self.config.backoff_max.min(BENEFIT_OF_THE_DOUBT);
            let is_patient = failing.is_none_or(|failing| failing.since.elapsed() < longest);
            return failed_runs(job) == 1 && settled_before == self.tally.settled() && is_patient;
        }
        for place in BTreeSet::from([0, batch.len() / 2, batch.len() - 1]) {
            under_way.proceed();
            match self.settle_in_time(&batch[place..=place]).await {
                Ok(counts) => {
                    self.count(&counts);
                    batch.remove(place);
                    return false;
                }
                Err(Error::Interrupted) => return true,
                Err(error) if error.is_outage() || error.is_misfit() => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// Ends jobs that name a certificate of the same batch once more: the idempotency key keeps ours unique, but not
    /// those that somebody pushed by hand.
    async fn drop_doubles(&self, doubles: &[Job]) {
        if doubles.is_empty() {
            return;
        }
        let ids: Vec<String> = doubles.iter().map(|job| job.id.clone()).collect();
        let dropping = async {
            let mut transaction = self.database.begin().await?;
            certferry_queue::complete(&mut transaction, &self.worker, &ids).await?;
            transaction.commit().await?;
            Ok::<(), Error>(())
        };
        if let Err(error) = self.in_time(dropping).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "doubled jobs stay until they are rescued");
        }
    }

    /// Settles a batch, or gives it up when it takes too long or a database was away.
    async fn settle_in_time(&self, batch: &[Job]) -> Result<Counts, Error> {
        self.in_time(self.settle(batch)).await.inspect_err(note_in_trace)
    }

    /// Gives up what takes too long, or may wait for a connection that an outage has left dead.
    pub(crate) async fn in_time<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let longest = self.config.batch_timeout;
        let work = tokio::time::timeout(longest, Box::pin(work));
        match self.health.until_recovered(work).await {
            Some(done) => done.unwrap_or(Err(Error::BatchTimeout(longest))),
            None => Err(Error::Interrupted),
        }
    }
}

/// Notes in the trace of a batch that it met an error: its code, not what a database said, which may quote what is in it.
fn note_in_trace(error: &Error) {
    get_active_span(|span| span.add_event("error", vec![KeyValue::new("error.type", error.code().as_str())]));
}

/// The jobs of a batch that name a certificate first, and the others.
fn each_once(batch: Batch) -> (Batch, Vec<Job>) {
    let mut seen = HashSet::new();
    batch.into_iter().partition(|job| seen.insert(job.certificate_id))
}
