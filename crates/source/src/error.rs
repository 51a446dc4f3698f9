use std::time::Duration;

use certferry_connection::TlsProblem;

use crate::Entity;

/// What went wrong with the legacy database.
///
/// `location` is where it is (`postgres://user@host:5432/database`), never with a password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be used.
    #[error("the source URL cannot be used: {reason}")]
    Url {
        /// What is wrong with it, without the URL itself: it may hold a password.
        reason: String,
    },
    /// A query of the configuration cannot be used.
    #[error("the query {} cannot be used: {reason}", entity.setting())]
    Setting {
        /// Whose query.
        entity: Entity,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The database does not let us in: wrong user or password, no such database.
    #[error("the source {location} refuses the connection: {reason}")]
    Refused {
        /// Where the source is.
        location: String,
        /// What it said.
        reason: String,
    },
    /// No connection could be made, or it was lost.
    #[error("no connection to the source {location}: {reason}")]
    Connection {
        /// Where the source is.
        location: String,
        /// What happened.
        reason: String,
    },
    /// The connection cannot be secured as the URL asks.
    #[error("no secure connection to the source {location}: {problem}")]
    Tls {
        /// Where the source is.
        location: String,
        /// What is wrong.
        problem: TlsProblem,
    },
    /// It took too long.
    #[error("the source {location} did not answer within {waited:?} while {action}")]
    Timeout {
        /// Where the source is.
        location: String,
        /// What was being done.
        action: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The database is there but does not work: starting, stopping, out of space or connections.
    #[error("the source {location} is unavailable: {reason}")]
    Unavailable {
        /// Where the source is.
        location: String,
        /// What it said.
        reason: String,
    },
    /// The database's answer is not in the order, or not of the kind, that was asked for.
    #[error("the source {location} answered wrongly while {action}: {reason}")]
    Answer {
        /// Where the source is.
        location: String,
        /// What was being done.
        action: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The time zone of the configuration cannot be that of a session.
    #[error("the source {location} does not know the time zone {zone}: {reason}")]
    TimeZone {
        /// Where the source is.
        location: String,
        /// `dates.timezone`.
        zone: &'static str,
        /// What it said.
        reason: String,
    },
    /// The database refused a query: a table or column is missing, or may not be read.
    #[error("the source {location} refused {action}: {reason}")]
    Query {
        /// Where the source is.
        location: String,
        /// What was being done.
        action: String,
        /// What it said.
        reason: String,
        /// Whose query it was.
        entity: Entity,
    },
}

/// What kind of trouble an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The configuration is wrong: URL, query, user, password or database.
    Configuration,
    /// The connection could not be made or was lost.
    Connection,
    /// The database did not answer in time.
    Timeout,
    /// The database is there but does not work just now.
    Unavailable,
    /// The query does not fit the database.
    Query,
}

impl Class {
    /// Whether trying again without a change may help.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Connection | Self::Timeout | Self::Unavailable)
    }
}

impl Error {
    /// What kind of trouble it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Url { .. }
            | Self::Setting { .. }
            | Self::Refused { .. }
            | Self::TimeZone { .. }
            | Self::Tls { problem: TlsProblem::Unsupported, .. } => Class::Configuration,
            // A certificate may be renewed while we wait.
            Self::Connection { .. } | Self::Tls { .. } => Class::Connection,
            Self::Timeout { .. } => Class::Timeout,
            Self::Unavailable { .. } => Class::Unavailable,
            Self::Query { .. } | Self::Answer { .. } => Class::Query,
        }
    }

    /// Whose query the database refused, if it did.
    #[must_use]
    pub const fn refused_query(&self) -> Option<Entity> {
        match self {
            Self::Query { entity, .. } => Some(*entity),
            _ => None,
        }
    }

    /// Whether trying again without a change may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.class().is_transient()
    }

    /// What to do next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Url { .. } => {
                Some("set source.url (or SOURCE_URL) to postgres://user:password@host:5432/database, mysql://user:password@host:3306/database or sqlite:FILE".into())
            }
            Self::Setting { entity, .. } => Some(format!(
                "{} must be one SELECT that returns the columns {}",
                entity.setting(),
                entity.columns().join(", ")
            )),
            Self::Refused { .. } => Some("check the user, password and database in source.url (or SOURCE_URL)".into()),
            Self::Connection { .. } => Some(
                "check that the database runs and that source.url (or SOURCE_URL) has the right host and port".into(),
            ),
            Self::Tls { problem, .. } => Some(problem.hint().into()),
            Self::Timeout { .. } | Self::Unavailable { .. } => None,
            Self::Answer { .. } => Some(
                "let id be a column of whole numbers in source.certificates, and run `producer check`; what is enqueued \
                 stays so"
                    .into(),
            ),
            Self::TimeZone { .. } => Some(
                "load the time zones into the server (MariaDB, MySQL: `mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql \
                 mysql`; PostgreSQL: install tzdata), or set dates.timezone to the zone of the legacy dates"
                    .into(),
            ),
            Self::Query { entity, .. } => Some(format!(
                "{} must return the columns {}; for tables of another shape write a query of your own there",
                entity.setting(),
                entity.columns().join(", ")
            )),
        }
    }
}
