//! Which ids are whole numbers within bigint, by the type of their column.

use crate::key::{Key, Lookup};

/// The key of a column of this type. Whatever is no number counts by its text: `12` in a text is the id 12, `012`,
/// ` 12` and `12.0` are none, because the column is not found by them.
pub(super) fn of(column: &str, type_name: &str) -> Key {
    match type_name {
        "BIGINT UNSIGNED" => Key::number(
            column,
            format!("{column} <= {}", i64::MAX),
            &format!("CAST({column} AS SIGNED)"),
            Lookup::Number,
        ),
        "BIT" => {
            let number = format!("({column} + 0)");
            Key::computed(
                format!("CASE WHEN {number} <= {} THEN CAST({number} AS SIGNED) END", i64::MAX),
                Lookup::Value,
            )
        }
        "DECIMAL" => {
            let is_whole =
                format!("{column} BETWEEN {} AND {} AND {column} = TRUNCATE({column}, 0)", i64::MIN, i64::MAX);
            Key::number(column, is_whole, &format!("CAST({column} AS SIGNED)"), Lookup::Number)
        }
        "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "BINARY" | "VARBINARY" | "TINYBLOB"
        | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => Key::computed(of_text(column), Lookup::Text),
        other => match other.strip_suffix(" UNSIGNED").unwrap_or(other) {
            "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" | "YEAR" => Key::integer(column),
            "FLOAT" | "DOUBLE" => {
                Key::number(column, is_whole(column), &format!("CAST({column} AS SIGNED)"), Lookup::InexactNumber)
            }
            _ => Key::computed(of_text(column), Lookup::Value),
        },
    }
}

/// Whether a floating number is whole and within bigint. The highest bigint is no floating number, the one above it is.
pub(super) fn is_whole(column: &str) -> String {
    let limit = "9223372036854775808e0";
    format!("{column} >= -{limit} AND {column} < {limit} AND {column} = TRUNCATE({column}, 0)")
}

/// What is digits only is the same again, byte by byte, after it was a number.
fn of_text(column: &str) -> String {
    let text = format!("CAST({column} AS CHAR)");
    let number = format!("CAST({text} AS SIGNED)");
    format!("CASE WHEN CAST({text} AS BINARY) = CAST({number} AS BINARY) THEN {number} END")
}
