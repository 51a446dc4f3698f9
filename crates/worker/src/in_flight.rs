//! Batches that are worked on, and whether each makes progress.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The batches of a process that are worked on.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Mutex<Batches>>);

#[derive(Debug, Default)]
struct Batches {
    begun: u64,
    /// Since when each works on the step it is at; none while it waits for what is no fault of its own.
    working_since: HashMap<u64, Option<Instant>>,
}

/// A batch that is worked on, until this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    in_flight: InFlight,
    number: u64,
}

impl InFlight {
    /// One more is worked on.
    pub(crate) fn begin(&self) -> UnderWay {
        let mut batches = self.lock();
        batches.begun += 1;
        let number = batches.begun;
        batches.working_since.insert(number, Some(Instant::now()));
        UnderWay { in_flight: self.clone(), number }
    }

    /// How many are worked on.
    pub(crate) fn count(&self) -> u64 {
        self.lock().working_since.len() as u64
    }

    /// The longest that one of them has been at its step.
    pub(crate) fn longest_step(&self) -> Duration {
        let batches = self.lock();
        let since = batches.working_since.values().flatten().min();
        since.map(Instant::elapsed).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Batches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// The batch has come to its next step, which has a time limit of its own.
    pub(crate) fn proceed(&self) {
        self.set(Some(Instant::now()));
    }

    /// The batch waits for a database or for room in memory, for however long that takes, and then goes on.
    pub(crate) async fn while_waiting<T>(&self, waiting: impl Future<Output = T>) -> T {
        self.set(None);
        let waited = waiting.await;
        self.proceed();
        waited
    }

    fn set(&self, since: Option<Instant>) {
        self.in_flight.lock().working_since.insert(self.number, since);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.in_flight.lock().working_since.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_not_stuck_and_whoever_works_is_after_a_while() {
        let in_flight = InFlight::default();
        let pass = |seconds| tokio::time::advance(Duration::from_secs(seconds));
        let (one, other) = (in_flight.begin(), in_flight.begin());
        pass(10).await;
        assert_eq!((in_flight.count(), in_flight.longest_step().as_secs()), (2, 10));
        let waiting = async {
            other.proceed();
            pass(5).await;
            assert_eq!(in_flight.longest_step().as_secs(), 5);
            drop(other);
            pass(1000).await;
            assert_eq!((in_flight.count(), in_flight.longest_step().as_secs()), (1, 0));
        };
        one.while_waiting(waiting).await;
        pass(1).await;
        assert_eq!(in_flight.longest_step().as_secs(), 1);
        drop(one);
        assert_eq!((in_flight.count(), in_flight.longest_step().as_secs()), (0, 0));
    }
}
