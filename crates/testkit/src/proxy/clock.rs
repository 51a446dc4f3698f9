//! Waking at a moment, to some ten microseconds.
//!
//! The runtime's own timer rounds up to whole milliseconds, which is much beside a latency of five.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

use tokio::sync::oneshot;

/// A thread that wakes tasks; it ends with this.
#[derive(Debug)]
pub(super) struct Clock {
    alarms: Sender<Alarm>,
}

#[derive(Debug)]
struct Alarm {
    at: Instant,
    wake: oneshot::Sender<()>,
}

impl Clock {
    pub(super) fn start() -> io::Result<Self> {
        let (alarms, set) = channel();
        thread::Builder::new().name("proxy-clock".to_owned()).spawn(move || run(&set))?;
        Ok(Self { alarms })
    }

    /// Returns at the moment `at`, or at once when it has passed.
    pub(super) async fn until(&self, at: Instant) {
        if at <= Instant::now() {
            return;
        }
        let (wake, woken) = oneshot::channel();
        if self.alarms.send(Alarm { at, wake }).is_ok() {
            // An error would mean that the thread is gone, and then there is nothing to wait for.
            woken.await.ok();
        }
    }
}

fn run(set: &Receiver<Alarm>) {
    let mut waiting: BinaryHeap<Reverse<Alarm>> = BinaryHeap::new();
    loop {
        let next = match waiting.peek() {
            None => set.recv().map_err(RecvTimeoutError::from),
            Some(Reverse(first)) => set.recv_timeout(first.at.saturating_duration_since(Instant::now())),
        };
        match next {
            Ok(alarm) => waiting.push(Reverse(alarm)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while waiting.peek().is_some_and(|Reverse(first)| first.at <= Instant::now()) {
            if let Some(Reverse(first)) = waiting.pop() {
                // Whoever set it may have gone away since.
                first.wake.send(()).ok();
            }
        }
    }
}

impl PartialEq for Alarm {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Alarm {}

impl PartialOrd for Alarm {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Alarm {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}
