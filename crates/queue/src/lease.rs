//! The lease: a worker's jobs are its own for as long as it renews it.

use std::time::Duration;

use apalis_core::worker::context::WorkerContext;
use certferry_connection::Connections;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::strays::InHand;
use crate::{Error, workers};

/// Renewals within one `orphan_after`, so that one or two that fail lose nothing.
pub(crate) const RENEWALS: u32 = 5;

/// A worker's lease.
pub(crate) struct Lease {
    pub(crate) connections: Connections,
    pub(crate) worker: WorkerContext,
    pub(crate) orphan_after: Duration,
    /// The longest that a claim may take on the server.
    pub(crate) longest_claim: Duration,
    pub(crate) in_hand: InHand,
    pub(crate) unbroken: watch::Sender<Unbroken>,
}

/// The time for which a lease has been renewed without a gap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unbroken {
    since: Instant,
    /// When the next renewal must have been made.
    until: Instant,
    /// When the last one was made; none before the worker is registered.
    renewed: Option<Instant>,
}

impl Unbroken {
    /// Not yet.
    pub(crate) fn begun() -> Self {
        let now = Instant::now();
        Self { since: now, until: now, renewed: None }
    }

    /// The worker was registered, by which its lease begins.
    pub(crate) fn register(&mut self) {
        self.renewed = Some(Instant::now());
    }

    /// How long ago the lease was renewed; none before it has begun.
    pub(crate) fn age(self) -> Option<Duration> {
        self.renewed.map(|renewed| renewed.elapsed())
    }

    /// How long it has been; nothing when a renewal is overdue.
    pub(crate) fn lasted(self) -> Duration {
        if Instant::now() > self.until { Duration::ZERO } else { self.since.elapsed() }
    }
}

impl Lease {
    /// Renews the lease for as long as it is polled, and tells since when it has been renewed without a gap: whoever was
    /// away is no judge of who is dead.
    pub(crate) async fn keep(self) {
        let period = self.orphan_after / RENEWALS;
        let mut last_renewed = Instant::now();
        let mut failing = false;
        let mut renewals = self.connections.renewals();
        loop {
            tokio::time::sleep(if failing { period / 2 } else { period }).await;
            let renewed = self.connections.renewals();
            if std::mem::replace(&mut renewals, renewed) != renewed {
                // The server was away. Its standby, or an older copy of it, may say of jobs that they are this worker's
                // which were done, or given back, long ago.
                self.in_hand.doubt();
            }
            // No longer: the next renewal may have a better connection.
            let renewing = tokio::time::timeout(period, self.renew());
            let error = match self.connections.until_renewed(renewing).await {
                Some(Ok(Ok(()))) => {
                    let now = Instant::now();
                    self.unbroken.send_modify(|unbroken| {
                        if last_renewed + period * 2 < now {
                            unbroken.since = now;
                        }
                        unbroken.until = now + period * 2;
                        unbroken.renewed = Some(now);
                    });
                    last_renewed = now;
                    failing = false;
                    continue;
                }
                Some(Ok(Err(error))) => error,
                Some(Err(_)) => {
                    self.connections.refresh();
                    Error::unanswered("renew the lease", period)
                }
                None => Error::interrupted("renew the lease"),
            };
            if !std::mem::replace(&mut failing, true) {
                tracing::warn!(error = &error as &dyn std::error::Error, "the lease could not be renewed; trying on");
            }
        }
    }

    async fn renew(&self) -> Result<(), Error> {
        workers::renew(&self.connections, &self.worker).await?;
        self.in_hand.release_strays(&self.connections, self.worker.name(), self.longest_claim).await
    }
}
