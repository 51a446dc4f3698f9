use std::collections::BTreeSet;

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

    /// Returns when there is no reason left.
    pub(crate) async fn none(&self) {
        // The sender is `self`'s, so that the channel is open.
        self.0.subscribe().wait_for(BTreeSet::is_empty).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

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
