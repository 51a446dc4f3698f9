use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::{Database, Pool};
use tokio::sync::watch;

/// A pool that can be replaced by a new one.
///
/// After an outage a connection may look open and never answer again. Nothing on it says so, and the pool would wait for
/// it; so all of them are left behind together.
pub struct Renewable<DB: Database> {
    current: Arc<RwLock<Pool<DB>>>,
    refreshments: Arc<AtomicU64>,
    make: Arc<dyn Fn() -> Pool<DB> + Send + Sync>,
    renewals: watch::Sender<u64>,
}

/// How a pool is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Connections that nobody uses at the moment.
    pub idle: u64,
    /// Connections that somebody uses.
    pub used: u64,
    /// How often all connections were left behind, for whatever reason.
    pub refreshments: u64,
}

impl<DB: Database> Renewable<DB> {
    /// Makes the first pool, and later ones, by `make`, which must not connect.
    pub fn new(make: impl Fn() -> Pool<DB> + Send + Sync + 'static) -> Self {
        Self {
            current: Arc::new(RwLock::new(make())),
            refreshments: Arc::default(),
            make: Arc::new(make),
            renewals: watch::channel(0).0,
        }
    }

    /// The pool to use now. Not to be kept.
    #[must_use]
    pub fn pool(&self) -> Pool<DB> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves every connection behind: those who use one keep it until they are done with it, and nobody gets it
    /// again.
    pub fn refresh(&self) {
        self.refreshments.fetch_add(1, Ordering::Relaxed);
        let fresh = (self.make)();
        let old = std::mem::replace(&mut *self.current.write().unwrap_or_else(PoisonError::into_inner), fresh);
        // Says goodbye where someone listens; it ends with the last connection.
        tokio::spawn(async move { old.close().await });
    }

    /// Leaves every connection behind and interrupts those who wait for one: see [`Self::until_renewed`].
    pub fn renew(&self) {
        self.refresh();
        self.renewals.send_modify(|renewals| *renewals += 1);
    }

    /// How the pool is used now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let pool = self.pool();
        let idle = u64::try_from(pool.num_idle()).unwrap_or(u64::MAX);
        let used = u64::from(pool.size()).saturating_sub(idle);
        Usage { idle, used, refreshments: self.refreshments.load(Ordering::Relaxed) }
    }

    /// How often the connections were left behind because the server was away.
    #[must_use]
    pub fn renewals(&self) -> u64 {
        *self.renewals.borrow()
    }

    /// What `work` gives; `None` when the pool was renewed meanwhile, and the connection `work` had may be a dead one.
    pub async fn until_renewed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut renewals = self.renewals.subscribe();
        tokio::select! {
            biased;
            done = work => Some(done),
            // The sender is `self`'s.
            _ = renewals.changed() => None,
        }
    }
}

impl<DB: Database> Clone for Renewable<DB> {
    fn clone(&self) -> Self {
        Self {
            current: self.current.clone(),
            refreshments: self.refreshments.clone(),
            make: self.make.clone(),
            renewals: self.renewals.clone(),
        }
    }
}

impl<DB: Database> fmt::Debug for Renewable<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewable").field("renewals", &*self.renewals.borrow()).finish_non_exhaustive()
    }
}
