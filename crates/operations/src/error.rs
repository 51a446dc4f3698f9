use certferry_certificate::Code;

/// What went wrong at one of the databases.
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
        }
    }

    /// Whether a database is away, for a while: trying again is what helps.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Store(error) => error.is_outage(),
            Self::Queue(error) => matches!(error.code(), Code::Connection | Code::Unavailable),
            Self::Migration(_) => false,
        }
    }

    /// Whether a lock that another session holds was waited for in vain.
    #[must_use]
    pub fn is_lock_timeout(&self) -> bool {
        match self {
            Self::Store(error) => error.is_lock_timeout(),
            Self::Queue(error) => error.is_lock_timeout(),
            Self::Migration(_) => false,
        }
    }

    /// What to do next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint().map(str::to_owned),
            Self::Queue(error) => error.hint().map(str::to_owned),
            Self::Migration(error) => error.hint(),
        }
    }
}
