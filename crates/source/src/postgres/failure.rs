//! What PostgreSQL means by its errors.

use sqlx::error::DatabaseError;

use crate::failure::Meaning;

/// The classes are those of PostgreSQL's documentation, appendix A.
pub(super) fn meaning(error: &dyn DatabaseError) -> Meaning {
    let state = error.code().unwrap_or_default();
    match state.get(..2).unwrap_or_default() {
        _ if state == "57014" => Meaning::TooSlow,
        _ if state == "3D000" => Meaning::NotLetIn,
        "28" => Meaning::NotLetIn,
        "08" => Meaning::Disconnected,
        // Out of room, shutting down or starting, broken, or our snapshot gave way to a standby's recovery.
        "40" | "53" | "57" | "58" | "XX" => Meaning::NotWorking,
        _ => Meaning::Misfit,
    }
}

/// Whether the server gave a statement up because of its timeout.
pub(super) fn is_statement_timeout(error: &sqlx::Error) -> bool {
    has_state(error, &["57014"])
}

/// Whether the server found bytes that are no character, or none that UTF-8 has, in a value it was to send.
pub(super) fn is_undecodable(error: &sqlx::Error) -> bool {
    has_state(error, &["22021", "22P05"])
}

/// Whether the server does not know the time zone it was told.
pub(super) fn is_unknown_time_zone(error: &sqlx::Error) -> bool {
    has_state(error, &["22023"]) && error.to_string().contains("TimeZone")
}

fn has_state(error: &sqlx::Error, states: &[&str]) -> bool {
    let state = error.as_database_error().and_then(DatabaseError::code);
    state.is_some_and(|state| states.contains(&state.as_ref()))
}
