use std::time::Duration;

use certferry_certificate::Code;

/// What kept a batch from being settled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Source(#[from] certferry_source::Error),
    #[error(transparent)]
    Store(#[from] certferry_store::Error),
    #[error(transparent)]
    Queue(#[from] certferry_queue::Error),
    #[error(transparent)]
    Operations(#[from] certferry_operations::Error),
    #[error("a database did not answer within {} s", .0.as_secs_f64())]
    Unanswered(Duration),
    #[error("working on the batch took longer than worker.batch_timeout, {} s", .0.as_secs_f64())]
    BatchTimeout(Duration),
    #[error("a database was away")]
    Interrupted,
    #[error("working on it panicked: {0}; please report it with the certificate's row")]
    Panic(String),
}

impl From<certferry_migration::Error> for Error {
    fn from(error: certferry_migration::Error) -> Self {
        match error {
            certferry_migration::Error::Source(error) => Self::Source(error),
            certferry_migration::Error::Store(error) => Self::Store(error),
        }
    }
}

impl Error {
    /// Whether a connection was lost or not to be had, whatever was asked.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self.code(), Code::Connection | Code::Unavailable)
    }

    /// Whether a database refuses what every batch needs: a table or column is gone, a right was revoked, it is read-only.
    pub(crate) fn is_misfit(&self) -> bool {
        match self {
            Self::Store(error) => error.is_misfit(),
            Self::Queue(error) => error.is_missing_schema(),
            Self::Source(error) => !error.is_transient(),
            _ => false,
        }
    }

    /// Whether a lock that another session holds was waited for in vain.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        match self {
            Self::Store(error) => error.is_lock_timeout(),
            Self::Queue(error) => error.is_lock_timeout(),
            _ => false,
        }
    }

    /// Whether the statement was cancelled or took too long.
    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_cancelled())
    }

    /// Whether the statement was cancelled, as those of batches are that wait for locks of others: it did not take too long.
    pub(crate) fn is_cancelled_by_request(&self) -> bool {
        match self {
            Self::Store(error) => error.is_cancelled_by_request(),
            Self::Queue(error) => error.is_cancelled_by_request(),
            _ => false,
        }
    }

    /// The code of `rules.md`, Issues, that this is.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Queue(error) => error.code(),
            Self::Operations(error) => error.code(),
            Self::Unanswered(_) | Self::Interrupted => Code::Unavailable,
            Self::BatchTimeout(_) => Code::Timeout,
            Self::Panic(_) => Code::Panic,
            Self::Source(error) => certferry_migration::source_code(error),
        }
    }
}

/// An error and its causes in one line.
pub(crate) fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
