//! What SQLite means by its errors.

use sqlx::error::DatabaseError;

use crate::failure::Meaning;

/// By the primary result code, which is the lowest byte of the extended one.
pub(super) fn meaning(error: &dyn DatabaseError) -> Meaning {
    match primary(error) {
        // Interrupted, which only our own time limit does.
        9 => Meaning::TooSlow,
        // No permission, not authorized, not a database.
        3 | 23 | 26 => Meaning::NotLetIn,
        // Cannot be opened.
        14 => Meaning::Disconnected,
        // Busy, locked, out of memory, I/O error, full, protocol, changed schema.
        5 | 6 | 7 | 10 | 13 | 15 | 17 => Meaning::NotWorking,
        _ => Meaning::Misfit,
    }
}

/// Whether a statement was given up because its time was over.
pub(super) fn is_interrupted(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| primary(error) == 9)
}

fn primary(error: &dyn DatabaseError) -> i32 {
    let code = error.code().and_then(|code| code.parse::<i32>().ok());
    code.map_or(1, |code| code & 0xff)
}
