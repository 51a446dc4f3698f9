use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The two wishes a process obeys: the first SIGTERM or SIGINT asks it to finish what it has in hand, the second one to
/// stop at once. Clones share the wishes.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    graceful: CancellationToken,
    at_once: CancellationToken,
}

impl Shutdown {
    /// Listens for signals from now on; to be called inside the runtime.
    pub fn listen() -> io::Result<Self> {
        let shutdown = Self::default();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let heard = shutdown.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                heard.request();
            }
        });
        Ok(shutdown)
    }

    /// Does what a signal does: the first request is graceful, the second one at once.
    pub fn request(&self) {
        if self.graceful.is_cancelled() {
            self.at_once.cancel();
        } else {
            self.graceful.cancel();
        }
    }

    /// Cancelled when no new work should be begun.
    #[must_use]
    pub fn graceful(&self) -> &CancellationToken {
        &self.graceful
    }

    /// Cancelled when even work in hand should be dropped.
    #[must_use]
    pub fn at_once(&self) -> &CancellationToken {
        &self.at_once
    }

    /// Whether stopping was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.graceful.is_cancelled()
    }

    /// Runs `work` to its end, or drops it at the first wish to stop and returns none: for work that may be cut off
    /// anywhere.
    pub async fn interrupting<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.graceful.run_until_cancelled(work).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_request_is_the_urgent_one() {
        let shutdown = Shutdown::default();
        assert!(!shutdown.is_requested());
        shutdown.clone().request();
        assert!(shutdown.is_requested() && !shutdown.at_once().is_cancelled());
        shutdown.request();
        assert!(shutdown.at_once().is_cancelled());
    }

    #[tokio::test]
    async fn a_request_drops_work_in_hand() {
        let shutdown = Shutdown::default();
        assert_eq!(shutdown.interrupting(async { 1 }).await, Some(1));
        shutdown.request();
        assert_eq!(shutdown.interrupting(std::future::pending::<u8>()).await, None);
    }
}
