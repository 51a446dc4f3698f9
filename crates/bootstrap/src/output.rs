//! Standard output: the result of a command. What a person reads along the way goes to standard error.

use std::fmt::Display;
use std::io::{self, Write};

/// The result could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Whoever reads has seen enough (`| head`). [`crate::exit::run`] ends with 0 and says nothing.
    #[error("standard output was closed")]
    Closed,
    /// Anything else, such as a full disk.
    #[error("could not write to standard output")]
    Failed(#[source] io::Error),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Failed(error) }
    }
}

/// Writes the text and a line end, at once. In place of `println!`, which panics when the reader is gone.
pub fn line(text: impl Display) -> Result<(), OutputError> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}
