use certferry_certificate::Code;

/// What went wrong at the status table or at the queue.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// At the status table.
    #[error(transparent)]
    Store(#[from] certferry_store::Error),
    /// At the queue.
    #[error(transparent)]
    Queue(#[from] certferry_queue::Error),
}

impl Error {
    /// The code of `rules.md`, Issues, that this is.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Queue(error) => error.code(),
        }
    }

    /// What to do next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Queue(error) => error.hint(),
        }
    }
}
