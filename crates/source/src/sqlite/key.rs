//! Which ids are whole numbers within bigint. A column of SQLite may hold values of any type.

use crate::key::{Key, Lookup};

/// The key of a column that is declared to be of this type.
///
/// A column of integers turns every whole number into one, so what is none there is no id, and its index sorts them.
/// In any other, `12`, `12.0` and the text `12` are all the id 12; the texts `012` and ` 12` are none, because the column
/// is not found by them.
pub(super) fn of(column: &str, type_name: &str) -> Key {
    if matches!(type_name, "integer" | "int4") {
        return Key::number(column, format!("typeof({column}) = 'integer'"), column, Lookup::Number);
    }
    let number = format!("CAST({column} AS INTEGER)");
    let value = format!(
        "CASE typeof({column}) WHEN 'integer' THEN {column} \
         WHEN 'real' THEN CASE WHEN {is_whole} THEN {number} END \
         WHEN 'text' THEN CASE WHEN CAST({number} AS TEXT) = {column} COLLATE BINARY THEN {number} END END",
        is_whole = is_whole(column),
    );
    Key::computed(value, Lookup::Either)
}

/// Whether a floating number is whole and within bigint. The highest bigint is no floating number, the one above it is.
pub(super) fn is_whole(column: &str) -> String {
    let limit = "9223372036854775808.0";
    format!("{column} >= -{limit} AND {column} < {limit} AND {column} = CAST({column} AS INTEGER)")
}
