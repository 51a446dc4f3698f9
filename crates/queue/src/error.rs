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

    /// What to do next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.is_missing_schema().then_some("run `producer setup` first")
    }

    /// Whether the queue's tables are missing: the migrations have not been run.
    #[must_use]
    pub fn is_missing_schema(&self) -> bool {
        self.source
            .downcast_ref::<Cause>()
            .and_then(|cause| cause.0.as_database_error())
            .is_some_and(|error| matches!(error.code().as_deref(), Some("42P01" | "3F000" | "42703")))
    }
}

impl Error {
    pub(crate) fn of_worker(doing: &'static str, source: apalis_core::error::WorkerError) -> Self {
        Self { doing, source: source.into() }
    }
}

/// An error of the driver; what the database said in its own words, without where in its own code.
#[derive(Debug)]
struct Cause(sqlx::Error);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_database_error() {
            Some(error) => f.write_str(error.message()),
            None => self.0.fmt(f),
        }
    }
}

impl std::error::Error for Cause {}
