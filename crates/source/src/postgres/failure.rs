//! What an error of sqlx means.

use std::time::Duration;

use crate::{Entity, Error};

/// What was being done when it failed.
pub(super) struct Failure {
    pub(super) location: String,
    pub(super) entity: Entity,
    pub(super) action: String,
    pub(super) acquire_timeout: Duration,
    pub(super) statement_timeout: Duration,
}

impl Failure {
    /// No answer for so long.
    pub(super) fn timeout(&self, waited: Duration) -> Error {
        Error::Timeout { location: self.location.clone(), action: self.action.clone(), waited }
    }

    /// The classes are those of PostgreSQL's documentation, appendix A.
    pub(super) fn of(&self, error: &sqlx::Error) -> Error {
        let location = self.location.clone();
        match error {
            sqlx::Error::Database(error) => {
                let reason = error.message().to_owned();
                let state = error.code().unwrap_or_default();
                match state.get(..2).unwrap_or_default() {
                    _ if state == "57014" => self.timeout(self.statement_timeout),
                    _ if state == "3D000" => Error::Refused { location, reason },
                    "28" => Error::Refused { location, reason },
                    "08" => Error::Connection { location, reason },
                    // Out of room, shutting down or starting, broken, or our snapshot gave way to a standby's recovery.
                    "40" | "53" | "57" | "58" | "XX" => Error::Unavailable { location, reason },
                    _ => Error::Query { location, reason, action: self.action.clone(), entity: self.entity },
                }
            }
            sqlx::Error::Configuration(reason) => Error::Url { reason: reason.to_string() },
            sqlx::Error::Io(reason) => Error::Connection { location, reason: reason.to_string() },
            sqlx::Error::PoolTimedOut => {
                Error::Connection { location, reason: format!("there was none within {:?}", self.acquire_timeout) }
            }
            sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Error::Connection { location, reason: error.to_string() }
            }
            other => {
                Error::Query { location, reason: other.to_string(), action: self.action.clone(), entity: self.entity }
            }
        }
    }
}

/// Whether the server gave a statement up because of its timeout.
pub(super) fn is_statement_timeout(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|state| state == "57014")
}
