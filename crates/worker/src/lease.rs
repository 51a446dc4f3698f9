use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certferry_queue::Worker;

/// The lease of the worker that runs now; another one takes its place when it fails.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lease(Arc<Mutex<Option<Worker>>>);

impl Lease {
    /// It is this worker's from now on.
    pub(crate) fn is_of(&self, worker: &Worker) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker.clone());
    }

    /// How long ago it was renewed; none while no worker is registered.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(Worker::lease_age)
    }
}
