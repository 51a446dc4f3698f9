use certferry_certificate::Code;
use certferry_connection::Cause;

use crate::difference::Difference;
use crate::tables::WrongSchema;

/// Somebody has given a trade licence to one more customer of the destination. Whose licence it is, the issue says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the customer's trade licence belongs to several customers of the destination: map the customer to one of them"
)]
pub(crate) struct AmbiguousLicense;

/// What went wrong at the database, and doing what.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}")]
pub struct Error {
    doing: String,
    code: Code,
    /// The database's own code, where it was the database.
    state: Option<String>,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Error {
    /// Wraps a database error; `doing` completes the sentence "could not …".
    pub fn new(doing: impl Into<String>, source: sqlx::Error) -> Self {
        let cause = Cause(source);
        let state =
            cause.0.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned);
        Self { doing: doing.into(), code: cause.code(), state, source: cause.into() }
    }

    /// What the database refused and reported in a row, with its own code and words.
    pub(crate) fn reported(doing: impl Into<String>, state: String, message: String) -> Self {
        Self { doing: doing.into(), code: Code::of_sqlstate(&state), state: Some(state), source: message.into() }
    }

    /// The database does not work as it must: what is tried again later, at no certificate's charge.
    pub fn unavailable(doing: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { doing: doing.into(), code: Code::Unavailable, state: None, source: source.into() }
    }

    /// An error of Certferry's own making, with code [`Code::Unexpected`].
    pub fn unexpected(doing: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { doing: doing.into(), code: Code::Unexpected, state: None, source: source.into() }
    }

    /// A customer's trade licence belongs to several customers of the destination since its certificate was planned.
    pub(crate) fn ambiguous(doing: impl Into<String>, ambiguity: AmbiguousLicense) -> Self {
        Self { doing: doing.into(), code: Code::AmbiguousCustomer, state: None, source: ambiguity.into() }
    }

    /// The database took a row and made something else of it.
    pub(crate) fn difference(doing: impl Into<String>, difference: Difference) -> Self {
        Self { doing: doing.into(), code: Code::ConstraintViolation, state: None, source: difference.into() }
    }

    /// The code of `rules.md`, Issues, that this is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether the database could not be reached or does not work, whatever was asked of it.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self.code, Code::Connection | Code::Unavailable)
    }

    /// Whether the database refuses what every batch needs, whatever its certificates are: it is read-only, a table or column
    /// is gone or hidden, a right was revoked.
    #[must_use]
    pub fn is_misfit(&self) -> bool {
        self.is_missing_schema()
            || self.source.is::<WrongSchema>()
            || matches!(self.state.as_deref(), Some("25006" | "42501"))
    }

    /// Whether a lock that another session holds was waited for in vain.
    #[must_use]
    pub fn is_lock_timeout(&self) -> bool {
        self.state.as_deref() == Some("55P03")
    }

    /// Whether somebody cancelled the statement, or it took too long.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state.as_deref() == Some("57014")
    }

    /// Whether a session of ours or a person had the statement cancelled: it did not take too long. Servers that speak another
    /// language than English do not tell the two apart.
    #[must_use]
    pub fn is_cancelled_by_request(&self) -> bool {
        self.is_cancelled() && self.database_message() == "canceling statement due to user request"
    }

    /// Whether a table, column or schema is missing: the migrations have not been run.
    #[must_use]
    pub fn is_missing_schema(&self) -> bool {
        matches!(self.state.as_deref(), Some("42P01" | "3F000" | "42703" | "42883"))
    }

    /// What to do next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        if self.is_missing_schema() {
            return Some("run `producer setup` first");
        }
        if self.source.is::<WrongSchema>() {
            return Some(WrongSchema::HINT);
        }
        if let Some(problem) = self.source.downcast_ref::<Cause>().and_then(Cause::tls_problem) {
            return Some(problem.hint());
        }
        match self.code {
            Code::Connection | Code::Unavailable => {
                Some("check that the database runs and that database.url (or DATABASE_URL) has the right host and port")
            }
            _ => match self.state.as_deref() {
                Some("28000" | "28P01" | "3D000") => {
                    Some("check the user, password and database in database.url (or DATABASE_URL)")
                }
                Some("42501") => Some("grant the role the rights that the README lists, or use another role"),
                _ => None,
            },
        }
    }

    /// The column, constraint or table the database names, in that order of preference.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        if let Some(difference) = self.source.downcast_ref::<Difference>() {
            return difference.column().or(Some(difference.table()));
        }
        if self.source.is::<AmbiguousLicense>() {
            return Some("trade_license");
        }
        let error = self.database_error()?.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
        error.column().or_else(|| error.constraint()).or_else(|| error.table())
    }

    /// The table the database names.
    #[must_use]
    pub fn table(&self) -> Option<&str> {
        if let Some(difference) = self.source.downcast_ref::<Difference>() {
            return Some(difference.table());
        }
        if self.source.is::<AmbiguousLicense>() {
            return Some("customers");
        }
        self.database_error()?.table()
    }

    /// The database's own words, without the values it may quote in its detail.
    #[must_use]
    pub fn database_message(&self) -> String {
        self.database_error().map_or_else(|| self.source.to_string(), |error| error.message().to_owned())
    }

    fn database_error(&self) -> Option<&dyn sqlx::error::DatabaseError> {
        self.source.downcast_ref::<Cause>()?.0.as_database_error()
    }
}
