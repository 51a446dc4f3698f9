use std::fmt;

use certferry_certificate::Code;
use sqlx::migrate::MigrateError;

use crate::TlsProblem;

/// An error of the driver; what the database said in its own words, without where in its own code.
#[derive(Debug)]
pub struct Cause(pub sqlx::Error);

impl Cause {
    /// The code of `rules.md`, Issues, that it is.
    #[must_use]
    pub fn code(&self) -> Code {
        code_of(&self.0)
    }

    /// What is wrong with TLS, if that is it.
    #[must_use]
    pub fn tls_problem(&self) -> Option<TlsProblem> {
        TlsProblem::of(&self.0)
    }
}

fn code_of(error: &sqlx::Error) -> Code {
    match error {
        sqlx::Error::Database(error) => error.code().map_or(Code::Unexpected, |state| Code::of_sqlstate(&state)),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_) => {
            Code::Connection
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Code::Unavailable,
        sqlx::Error::Migrate(error) => match error.as_ref() {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => code_of(error),
            _ => Code::Unexpected,
        },
        _ => Code::Unexpected,
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.as_database_error(), TlsProblem::of(&self.0)) {
            (Some(error), _) => f.write_str(error.message()),
            (None, Some(problem)) => problem.fmt(f),
            (None, None) => self.0.fmt(f),
        }
    }
}

impl std::error::Error for Cause {}
