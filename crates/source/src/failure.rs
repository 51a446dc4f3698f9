//! What an error of sqlx means, the same for every engine but for what the database itself said.

use std::time::Duration;

use certferry_connection::TlsProblem;
use sqlx::error::DatabaseError;

use crate::{Entity, Error};

/// What a database means by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The statement took too long, or waited too long for a lock.
    TooSlow,
    /// Wrong user or password, no such database.
    NotLetIn,
    /// The connection is gone.
    Disconnected,
    /// It does not work just now: starting, stopping, full, broken.
    NotWorking,
    /// The query does not fit.
    Misfit,
}

/// What was being done when it failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) location: String,
    pub(crate) entity: Entity,
    pub(crate) action: String,
    pub(crate) acquire_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    /// What the engine means by its errors.
    pub(crate) meaning: fn(&dyn DatabaseError) -> Meaning,
}

impl Failure {
    /// No answer for so long.
    pub(crate) fn timeout(&self, waited: Duration) -> Error {
        Error::Timeout { location: self.location.clone(), action: self.action.clone(), waited }
    }

    pub(crate) fn of(&self, error: &sqlx::Error) -> Error {
        let location = self.location.clone();
        if let Some(problem) = TlsProblem::of(error) {
            return Error::Tls { location, problem };
        }
        match error {
            sqlx::Error::Database(error) => {
                let reason = error.message().to_owned();
                match (self.meaning)(error.as_ref()) {
                    Meaning::TooSlow => self.timeout(self.statement_timeout),
                    Meaning::NotLetIn => Error::Refused { location, reason },
                    Meaning::Disconnected => Error::Connection { location, reason },
                    Meaning::NotWorking => Error::Unavailable { location, reason },
                    Meaning::Misfit => {
                        Error::Query { location, reason, action: self.action.clone(), entity: self.entity }
                    }
                }
            }
            sqlx::Error::Configuration(reason) => Error::Url { reason: reason.to_string() },
            sqlx::Error::Io(reason) => Error::Connection { location, reason: reason.to_string() },
            sqlx::Error::PoolTimedOut => {
                Error::Connection { location, reason: format!("there was none within {:?}", self.acquire_timeout) }
            }
            sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Error::Connection { location, reason: error.to_string() }
            }
            other => {
                Error::Query { location, reason: other.to_string(), action: self.action.clone(), entity: self.entity }
            }
        }
    }
}
