//! What a worker's process has in its memory, and what is gone when it ends.

use crate::database::{Database, Name};

/// Certificates that were claimed together, and how far they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Batch {
    pub(crate) certificates: Vec<usize>,
    pub(crate) step: Step,
    /// Those that were queued again by `producer retry` since they were prepared.
    pub(crate) outdated: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Claimed,
    /// Read and planned.
    Prepared,
    /// Only where jobs are completed in a transaction of their own, before the results are written.
    Completed,
    /// In a transaction that found these certificates final and has locked the others.
    Looked {
        late: Vec<usize>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Process {
    Up,
    /// Told to end at once: it has given its jobs back, and transactions that are under way may still be committed.
    Ending,
    Down,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Worker {
    pub(crate) name: Name,
    pub(crate) process: Process,
    /// Whether it was renewed in time. It is not once the process has ended.
    pub(crate) lease_holds: bool,
    pub(crate) batches: Vec<Batch>,
}

impl Worker {
    pub(crate) fn new(worker: usize) -> Self {
        let name = Name { worker, start: 0 };
        Self { name, process: Process::Up, lease_holds: true, batches: Vec::new() }
    }

    /// The certificates whose jobs are its own without being in one of its batches.
    pub(crate) fn strays(&self, database: &Database) -> impl Iterator<Item = usize> {
        let rows = database.certificates.iter().enumerate();
        rows.filter(|(_, row)| row.job.is_some_and(|job| job.lock_by == Some(self.name)))
            .map(|(id, _)| id)
            .filter(|id| !self.batches.iter().any(|batch| batch.certificates.contains(id)))
    }

    pub(crate) fn has_strays(&self, database: &Database) -> bool {
        self.process == Process::Up && self.strays(database).next().is_some()
    }

    /// Nothing of it is left but its rows.
    pub(crate) fn end(&mut self) {
        self.process = Process::Down;
        self.lease_holds = false;
        self.batches.clear();
    }
}
