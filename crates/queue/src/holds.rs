use std::collections::BTreeSet;
use std::fmt;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use tokio::sync::watch;

/// The reasons for which nothing is to be claimed; while there are none, claiming goes on.
#[derive(Clone, Debug)]
pub struct Holds(watch::Sender<BTreeSet<&'static str>>);

impl Default for Holds {
    fn default() -> Self {
        Self(watch::channel(BTreeSet::new()).0)
    }
}

impl Holds {
    /// Claims nothing until [`Self::lift`] is called with the same reason.
    pub fn set(&self, reason: &'static str) {
        self.0.send_if_modified(|reasons| reasons.insert(reason));
    }

    /// Takes a reason away.
    pub fn lift(&self, reason: &'static str) {
        self.0.send_if_modified(|reasons| reasons.remove(reason));
    }

    /// The reasons for which nothing is claimed now.
    #[must_use]
    pub fn reasons(&self) -> Vec<&'static str> {
        self.0.borrow().iter().copied().collect()
    }

    /// Returns when there is no reason left.
    pub(crate) async fn none(&self) {
        // The sender is `self`'s, so that the channel is open.
        self.0.subscribe().wait_for(BTreeSet::is_empty).await.ok();
    }
}

/// How many jobs may be claimed; asked before each claim.
pub trait Allowance: fmt::Debug + Send + Sync {
    /// Says how many jobs may be claimed, `most` at most; where none may be yet, waits for a while, a second at most.
    fn take(&self, most: u32) -> BoxFuture<'_, u32>;

    /// Takes back what was allowed and was not there to be claimed.
    fn give_back(&self, jobs: u32) -> BoxFuture<'_, ()>;
}

/// As much as there is may be claimed.
#[derive(Clone, Copy, Debug)]
pub struct Unlimited;

impl Allowance for Unlimited {
    fn take(&self, most: u32) -> BoxFuture<'_, u32> {
        ready(most).boxed()
    }

    fn give_back(&self, _: u32) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claiming_goes_on_when_every_reason_is_gone() {
        let holds = Holds::default();
        assert!(holds.none().now_or_never().is_some());
        holds.set("paused");
        holds.set("outage");
        holds.set("outage");
        holds.lift("outage");
        assert!(holds.none().now_or_never().is_none());
        holds.lift("paused");
        assert!(holds.none().now_or_never().is_some());
    }
}
