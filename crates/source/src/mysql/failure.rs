//! What MariaDB and MySQL mean by their errors.

use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;

use crate::failure::Meaning;

/// By number, as SQLSTATE is `HY000` for nearly all of them.
pub(super) fn meaning(error: &dyn DatabaseError) -> Meaning {
    match number(error) {
        // MariaDB's limit, MySQL's limit, a lock that was waited for too long.
        1969 | 3024 | 1205 => Meaning::TooSlow,
        // Access denied to a database or at all, no such database, this host may not, another way to authenticate.
        1044 | 1045 | 1049 | 1130 | 1251 | 1524 | 1698 | 1862 | 3118 | 3159 | 4151 => Meaning::NotLetIn,
        // Shut down, killed, aborted, network errors.
        1053 | 1077 | 1079 | 1152 | 1158..=1161 | 1184 | 1927 | 4031 => Meaning::Disconnected,
        // Full, out of memory, files or connections, blocked by errors before, deadlock, interrupted, still starting.
        1021 | 1037 | 1038 | 1040 | 1041 | 1129 | 1135 | 1203 | 1206 | 1213 | 1226 | 1317 | 3168 => Meaning::NotWorking,
        _ => Meaning::Misfit,
    }
}

/// Whether the server gave a statement up because of its timeout.
pub(super) fn is_statement_timeout(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| matches!(number(error), 1969 | 3024))
}

/// Whether the server has no such variable.
pub(super) fn is_unknown_variable(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| number(error) == 1193)
}

/// Whether the server does not know the time zone it was told.
pub(super) fn is_unknown_time_zone(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| number(error) == 1298)
}

fn number(error: &dyn DatabaseError) -> u16 {
    error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number)
}
