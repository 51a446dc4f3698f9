//! Which ids are whole numbers within bigint, by the type of their column.

use crate::key::{Key, Lookup};

/// The key of a column of this type. Whatever is no number counts by its text: `12` in a text is the id 12, `012`,
/// ` 12` and `12.0` are none, because the column is not found by them.
pub(super) fn of(column: &str, type_name: &str) -> Key {
    match type_name {
        "int2" | "int4" | "int8" => Key::integer(column),
        "numeric" => {
            let is_whole = format!("{column} BETWEEN {} AND {} AND {column} = trunc({column})", i64::MIN, i64::MAX);
            Key::number(column, is_whole, &format!("{column}::bigint"), Lookup::Number)
        }
        "float4" | "float8" => {
            // The highest bigint is no floating number, the one above it is.
            let limit = "'9223372036854775808'::float8";
            let is_whole = format!("{column} >= -{limit} AND {column} < {limit} AND {column} = trunc({column})");
            Key::number(column, is_whole, &format!("{column}::bigint"), Lookup::InexactNumber)
        }
        "oid" => Key::computed(format!("{column}::bigint"), Lookup::Value),
        "text" | "varchar" => Key::computed(of_text(column), Lookup::Text),
        _ => Key::computed(of_text(column), Lookup::Value),
    }
}

fn of_text(column: &str) -> String {
    let text = format!("{column}::text");
    // One after the other, as each is an error where the one before does not hold.
    format!(
        "CASE WHEN ({text} COLLATE \"C\") ~ '^(0|-?[1-9][0-9]{{0,18}})$' \
         THEN CASE WHEN {text}::numeric BETWEEN {} AND {} THEN {text}::bigint END END",
        i64::MIN,
        i64::MAX
    )
}
