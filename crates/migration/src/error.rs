use std::any::Any;

use certferry_certificate::Code;
use certferry_source::Class;

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

/// The code of `rules.md`, Issues, that an error of the source is.
#[must_use]
pub fn source_code(error: &certferry_source::Error) -> Code {
    match error.class() {
        Class::Connection => Code::Connection,
        Class::Timeout => Code::Timeout,
        Class::Unavailable => Code::Unavailable,
        Class::Configuration | Class::Query => Code::Unexpected,
    }
}

impl Error {
    /// The code of `rules.md`, Issues, that this is.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Source(error) => source_code(error),
            Self::Store(error) => error.code(),
        }
    }

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
