use certferry_certificate::Code;
use tokio::task::JoinError;

use crate::Enqueued;

/// What kept an operation from its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// At the status table.
    #[error(transparent)]
    Store(#[from] certferry_store::Error),
    /// At the queue.
    #[error(transparent)]
    Queue(#[from] certferry_queue::Error),
    /// When certificates were read and planned.
    #[error(transparent)]
    Migration(#[from] certferry_migration::Error),
    /// Somebody cancelled the run in which certificates are queued.
    #[error("run {run} was cancelled")]
    Cancelled {
        /// The run.
        run: i64,
    },
    /// The source's own count of its rows is not what was seen of it, though it was read several times.
    #[error("the source has {rows} rows, and of those {seen} were read by their id and {unreadable} have none")]
    RowsDiffer {
        /// Rows by the source's own count.
        rows: u64,
        /// Rows that were on its pages.
        seen: u64,
        /// Rows without an id that can be read.
        unreadable: u64,
        /// How often it was read.
        passes: u32,
    },
    /// The task that queued a page panicked.
    #[error("pushing a page of certificates broke off")]
    BrokeOff(#[source] JoinError),
    /// Enqueueing stopped between pages, of which those before are queued.
    #[error("stopped after {} certificates", so_far.selected)]
    Stopped {
        /// What had been done.
        so_far: Box<Enqueued>,
        /// What stopped it.
        #[source]
        why: Box<Error>,
    },
}

impl From<certferry_source::Error> for Error {
    fn from(error: certferry_source::Error) -> Self {
        Self::Migration(error.into())
    }
}

impl Error {
    /// Whether the database undid the transaction because two waited for each other: trying again helps.
    pub(crate) fn is_deadlock(&self) -> bool {
        matches!(self.code(), Code::Deadlock | Code::Serialization)
    }

    /// The code of `rules.md`, Issues, that this is.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Queue(error) => error.code(),
            Self::Migration(error) => error.code(),
            Self::Cancelled { .. } | Self::RowsDiffer { .. } | Self::BrokeOff(_) => Code::Unexpected,
            Self::Stopped { why, .. } => why.code(),
        }
    }

    /// Whether a database is away, for a while: trying again is what helps.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Store(error) => error.is_outage(),
            Self::Queue(error) => matches!(error.code(), Code::Connection | Code::Unavailable),
            Self::Migration(_) | Self::Cancelled { .. } | Self::RowsDiffer { .. } | Self::BrokeOff(_) => false,
            Self::Stopped { why, .. } => why.is_outage(),
        }
    }

    /// Whether a lock that another session holds was waited for in vain.
    #[must_use]
    pub fn is_lock_timeout(&self) -> bool {
        match self {
            Self::Store(error) => error.is_lock_timeout(),
            Self::Queue(error) => error.is_lock_timeout(),
            Self::Migration(_) | Self::Cancelled { .. } | Self::RowsDiffer { .. } | Self::BrokeOff(_) => false,
            Self::Stopped { why, .. } => why.is_lock_timeout(),
        }
    }

    /// What to do next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint().map(str::to_owned),
            Self::Queue(error) => error.hint().map(str::to_owned),
            Self::Migration(error) => error.hint(),
            Self::Cancelled { .. } => Some("run it again to enqueue the others, in a run of its own".to_owned()),
            Self::RowsDiffer { .. } => Some(
                "run it again when nothing changes the source, or look at its id column with `producer check`; what is \
                 enqueued stays so"
                    .to_owned(),
            ),
            Self::BrokeOff(_) => None,
            Self::Stopped { why, .. } => why.hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stopped_enqueueing_says_what_to_do() {
        let stopped = |why| Error::Stopped {
            so_far: Box::new(Enqueued { selected: 7, ..Enqueued::default() }),
            why: Box::new(why),
        };
        let cancelled = stopped(Error::Cancelled { run: 3 });
        assert_eq!(
            format!("{:#}", anyhow::Error::from(cancelled)),
            "stopped after 7 certificates: run 3 was cancelled"
        );
        assert_eq!(
            stopped(Error::Cancelled { run: 3 }).hint().as_deref(),
            Some("run it again to enqueue the others, in a run of its own")
        );
        let differs = stopped(Error::RowsDiffer { rows: 9, seen: 6, unreadable: 1, passes: 3 });
        assert_eq!(
            differs.hint().as_deref(),
            Some(
                "run it again when nothing changes the source, or look at its id column with `producer check`; what is \
                 enqueued stays so"
            )
        );
        assert_eq!(
            std::error::Error::source(&differs).map(ToString::to_string).as_deref(),
            Some("the source has 9 rows, and of those 6 were read by their id and 1 have none")
        );
        assert_eq!(differs.code(), Code::Unexpected);
    }
}
