use std::any::Any;

/// What kept certificates from being prepared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The legacy database could not be read.
    #[error(transparent)]
    Source(#[from] certferry_source::Error),
    /// The destination's database could not be read.
    #[error(transparent)]
    Store(#[from] certferry_store::Error),
}

impl Error {
    /// What to do next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.hint(),
            Self::Store(error) => error.hint().map(str::to_owned),
        }
    }
}

/// What a panic said.
#[must_use]
pub fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
