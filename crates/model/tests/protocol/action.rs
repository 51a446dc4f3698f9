//! What may happen next.

use std::fmt;

/// One step of one process, or something that befalls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Claim {
        worker: usize,
        certificates: Vec<usize>,
    },
    /// The claim is made, and the worker does not learn of it.
    ClaimUnheard {
        worker: usize,
        certificates: Vec<usize>,
    },
    Prepare {
        worker: usize,
        batch: usize,
    },
    /// Only where jobs are completed in a transaction of their own.
    CompleteFirst {
        worker: usize,
        batch: usize,
    },
    Commit {
        worker: usize,
        batch: usize,
        is_heard: bool,
    },
    Look {
        worker: usize,
        batch: usize,
    },
    CommitCarefully {
        worker: usize,
        batch: usize,
        is_heard: bool,
    },
    /// The database undoes the open transaction: a deadlock, a time limit, a cut connection.
    Undo {
        worker: usize,
        batch: usize,
    },
    Postpone {
        worker: usize,
        batch: usize,
    },
    LeaseRunsOut {
        worker: usize,
    },
    Renew {
        worker: usize,
    },
    Rescue {
        worker: usize,
    },
    Crash {
        worker: usize,
    },
    Abandon {
        worker: usize,
    },
    End {
        worker: usize,
    },
    Start {
        worker: usize,
    },
    /// Gives back the jobs that are its own and that it knows nothing of.
    ReleaseStrays {
        worker: usize,
    },
    Requeue {
        certificate: usize,
    },
    /// A job is deleted by hand, or a backup without it is restored.
    LoseJob {
        certificate: usize,
    },
    /// A producer, or a worker that drains, sees a queued certificate without a job; nothing is locked.
    Miss {
        certificate: usize,
    },
    /// It looks again with the row locked, and pushes the job where it is missing.
    Restore {
        certificate: usize,
    },
}

/// What is not the protocol's doing. How often it happens is bounded; when it happens is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Crash,
    /// A worker that is not dead does not renew its lease in time.
    Delay,
    /// A commit whose answer is lost.
    CommitUnheard,
    /// A claim whose answer is lost.
    ClaimUnheard,
    /// A worker is told to end at once.
    Stop,
    /// The database undoes a transaction.
    Undone,
    /// The database refuses a certificate, which is tried again later.
    Refusal,
    /// Someone runs `producer retry`.
    Retry,
    /// Someone deletes a job.
    JobLost,
}

impl Action {
    /// Which trouble this is; `None` when it is the protocol's own step.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        Some(match self {
            Self::ClaimUnheard { .. } => Trouble::ClaimUnheard,
            Self::Commit { is_heard: false, .. } | Self::CommitCarefully { is_heard: false, .. } => {
                Trouble::CommitUnheard
            }
            Self::Undo { .. } => Trouble::Undone,
            Self::Postpone { .. } => Trouble::Refusal,
            Self::LeaseRunsOut { .. } => Trouble::Delay,
            Self::Crash { .. } => Trouble::Crash,
            Self::Abandon { .. } => Trouble::Stop,
            Self::Requeue { .. } => Trouble::Retry,
            Self::LoseJob { .. } => Trouble::JobLost,
            _ => return None,
        })
    }
}

/// The letters by which a person knows certificates.
pub(crate) fn letters(certificates: &[usize]) -> String {
    certificates
        .iter()
        .map(|id| char::from(b'A' + u8::try_from(*id).expect("a few certificates")).to_string())
        .collect::<Vec<_>>()
        .join(" and ")
}

/// What happens, without who does it and with what: the story knows those.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Claim { .. } => "claims",
            Self::ClaimUnheard { .. } => "claims, without hearing of it,",
            Self::Prepare { .. } => "reads and plans",
            Self::CompleteFirst { .. } => "deletes, in a transaction of its own, the jobs of",
            Self::Commit { is_heard: true, .. } => "commits the results of",
            Self::Commit { is_heard: false, .. } => "commits, without hearing of it, the results of",
            Self::Look { .. } => "begins a careful transaction, and looks what is still queued, of",
            Self::CommitCarefully { is_heard: true, .. } => "commits the careful transaction of",
            Self::CommitCarefully { is_heard: false, .. } => {
                "commits, without hearing of it, the careful transaction of"
            }
            Self::Undo { .. } => "has its transaction undone, of",
            Self::Postpone { .. } => "puts back, to be tried again later,",
            Self::LeaseRunsOut { .. } => "is held up; its lease runs out",
            Self::Renew { .. } => "renews its lease",
            Self::Rescue { .. } => "puts back the jobs of workers whose leases ran out",
            Self::Crash { .. } => "dies",
            Self::Abandon { .. } => "is told to end at once, and gives back its jobs",
            Self::End { .. } => "ends",
            Self::Start { .. } => "is started again",
            Self::ReleaseStrays { .. } => "gives back what it does not know to be its own",
            Self::Requeue { .. } => "is queued again by `producer retry`",
            Self::LoseJob { .. } => "loses its job",
            Self::Miss { .. } => "is seen to be queued without a job",
            Self::Restore { .. } => "is looked at with its row locked, and gets a job where it has none",
        })
    }
}
