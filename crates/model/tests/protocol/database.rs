//! The rows that everybody shares, and what each statement does to them.

use std::fmt;

use crate::protocol::Protocol;

/// A worker's name: unique to one start of one process, unless the protocol has it used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    pub(crate) worker: usize,
    pub(crate) start: u8,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {}", self.worker + 1)?;
        if self.start > 0 { write!(f, " (start {})", self.start + 1) } else { Ok(()) }
    }
}

/// A job: one row of `apalis.jobs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) lock_by: Option<Name>,
    pub(crate) crashes: u8,
}

/// The state of a row of `certferry.certificate_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    Queued,
    Migrated(Name),
    Failed(Name),
}

/// What the database has of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Certificate {
    pub(crate) status: Status,
    /// How many times it is in the destination.
    pub(crate) written: u8,
    pub(crate) job: Option<Job>,
}

/// Everything that survives a crash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Database {
    pub(crate) certificates: Vec<Certificate>,
    /// Whether any result was noted as late.
    pub(crate) late_result: bool,
}

/// Whether a result may replace a final one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fence {
    /// Only queued rows take one.
    Queued,
    /// Whoever writes last is right.
    None,
}

impl Database {
    pub(crate) fn new(certificates: usize) -> Self {
        let new = Certificate { status: Status::Queued, written: 0, job: Some(Job::default()) };
        Self { certificates: vec![new; certificates], late_result: false }
    }

    pub(crate) fn is_open(&self, certificate: usize) -> bool {
        self.certificates[certificate].status == Status::Queued
    }

    /// The jobs that a claim may take, and how many of them: those with which most workers died, at last one by one.
    pub(crate) fn claimable(&self, max_crashes: u8) -> (Vec<usize>, usize) {
        let waiting = |certificate: &Certificate| certificate.job.filter(|job| job.lock_by.is_none());
        let crashes = self.certificates.iter().filter_map(waiting).map(|job| job.crashes).max().unwrap_or(0);
        let suspects = (0..self.certificates.len())
            .filter(|id| waiting(&self.certificates[*id]).is_some_and(|job| job.crashes == crashes));
        let limit = if max_crashes > 1 && crashes + 1 >= max_crashes { 1 } else { self.certificates.len() };
        (suspects.collect(), limit)
    }

    pub(crate) fn claim(&mut self, worker: Name, certificates: &[usize]) {
        for id in certificates {
            if let Some(job) = &mut self.certificates[*id].job {
                job.lock_by = Some(worker);
            }
        }
    }

    /// Writes a certificate that is sound, and records its result.
    pub(crate) fn finish(&mut self, fence: Fence, worker: Name, id: usize, is_sound: bool) {
        if fence == Fence::Queued && !self.is_open(id) {
            return;
        }
        let certificate = &mut self.certificates[id];
        if is_sound {
            certificate.written += 1;
        }
        certificate.status = if is_sound { Status::Migrated(worker) } else { Status::Failed(worker) };
    }

    pub(crate) fn complete(&mut self, worker: Name, id: usize) {
        let job = &mut self.certificates[id].job;
        *job = job.filter(|job| job.lock_by != Some(worker));
    }

    pub(crate) fn postpone(&mut self, worker: Name, certificates: &[usize]) {
        for id in certificates {
            self.release(worker, *id);
        }
    }

    pub(crate) fn release_all(&mut self, worker: Name) {
        for id in 0..self.certificates.len() {
            self.release(worker, id);
        }
    }

    pub(crate) fn release(&mut self, worker: Name, id: usize) {
        if let Some(job) = &mut self.certificates[id].job
            && job.lock_by == Some(worker)
        {
            job.lock_by = None;
        }
    }

    /// A result of the same worker is not late: its commit was made and only the answer was lost.
    pub(crate) fn note_late(&mut self, worker: Name, id: usize) {
        match self.certificates[id].status {
            Status::Migrated(by) | Status::Failed(by) if by == worker => {}
            _ => self.late_result = true,
        }
    }

    /// Puts a job back; where too many workers died with it, the certificate is parked.
    pub(crate) fn rescue(&mut self, protocol: &Protocol, rescuer: Name, id: usize) {
        let certificate = &mut self.certificates[id];
        let Some(job) = &mut certificate.job else { return };
        *job = Job { lock_by: None, crashes: job.crashes + 1 };
        if job.crashes >= protocol.max_crashes {
            certificate.job = None;
            self.finish(protocol.fence, rescuer, id, false);
        }
    }

    pub(crate) fn lacks_its_job(&self, id: usize) -> bool {
        self.is_open(id) && self.certificates[id].job.is_none()
    }

    /// A failed certificate is tried again. A job that is still there is not pushed a second time.
    pub(crate) fn requeue(&mut self, id: usize) {
        let certificate = &mut self.certificates[id];
        certificate.status = Status::Queued;
        certificate.job = certificate.job.or(Some(Job::default()));
    }
}
