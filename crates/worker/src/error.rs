use std::any::Any;

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
    #[error("working on it panicked: {0}; please report it with the certificate's row")]
    Panic(String),
}

impl Error {
    /// The code of `rules.md`, Issues, that this is.
    pub(crate) fn code(&self) -> Code {
        use certferry_source::Class;
        match self {
            Self::Store(error) => error.code(),
            Self::Queue(_) => Code::Unexpected,
            Self::Panic(_) => Code::Panic,
            Self::Source(error) => match error.class() {
                Class::Connection => Code::Connection,
                Class::Timeout => Code::Timeout,
                Class::Unavailable => Code::Unavailable,
                Class::Configuration | Class::Query => Code::Unexpected,
            },
        }
    }
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
