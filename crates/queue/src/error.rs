use std::time::Duration;

use certferry_certificate::Code;
use certferry_connection::Cause;

/// What went wrong at the queue, and doing what.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}")]
pub struct Error {
    doing: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Error {
    pub(crate) fn new(doing: &'static str, source: sqlx::Error) -> Self {
        Self { doing, source: Cause(source).into() }
    }

    pub(crate) fn of_apalis(doing: &'static str, source: apalis_postgres::Error) -> Self {
        match source {
            apalis_postgres::Error::Database(source) => Self::new(doing, source),
            other => Self { doing, source: other.into() },
        }
    }

    /// The database did not answer in time.
    pub(crate) fn unanswered(doing: &'static str, within: Duration) -> Self {
        Self { doing, source: format!("the database did not answer within {} s", within.as_secs_f64()).into() }
    }

    /// What ran it panicked; the panic has been written to standard error.
    pub(crate) fn panicked(doing: &'static str) -> Self {
        Self { doing, source: "it panicked".into() }
    }

    /// The connection was left behind.
    pub(crate) fn interrupted(doing: &'static str) -> Self {
        Self { doing, source: "the database was away".into() }
    }

    /// The code of `rules.md`, Issues, that this is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.source.downcast_ref::<Cause>().map_or(Code::Unexpected, Cause::code)
    }

    /// What to do next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        if self.is_missing_schema() {
            return Some("run `producer setup` first");
        }
        self.source.downcast_ref::<Cause>().and_then(Cause::tls_problem).map(|problem| problem.hint())
    }

    /// Whether the queue's tables are missing: the migrations have not been run.
    #[must_use]
    pub fn is_missing_schema(&self) -> bool {
        self.database_error().is_some_and(|error| matches!(error.code().as_deref(), Some("42P01" | "3F000" | "42703")))
    }

    /// Whether a lock that another session holds was waited for in vain.
    #[must_use]
    pub fn is_lock_timeout(&self) -> bool {
        self.database_error().is_some_and(|error| error.code().as_deref() == Some("55P03"))
    }

    /// Whether a session of ours or a person had the statement cancelled: it did not take too long.
    #[must_use]
    pub fn is_cancelled_by_request(&self) -> bool {
        self.database_error().is_some_and(|error| {
            error.code().as_deref() == Some("57014") && error.message() == "canceling statement due to user request"
        })
    }

    fn database_error(&self) -> Option<&dyn sqlx::error::DatabaseError> {
        self.source.downcast_ref::<Cause>()?.0.as_database_error()
    }
}

impl Error {
    pub(crate) fn of_worker(doing: &'static str, source: apalis_core::error::WorkerError) -> Self {
        Self { doing, source: source.into() }
    }
}
