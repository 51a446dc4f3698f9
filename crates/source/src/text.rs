//! From the bytes that a database sends to a legacy text.

use std::fmt::Write;

use certferry_certificate::{LegacyText, Reference};

/// The text of these bytes, `None` being NULL. What is no UTF-8 is a fact about this one value.
pub(crate) fn text(bytes: Option<&[u8]>) -> LegacyText {
    match bytes {
        None => LegacyText::Null,
        Some(bytes) => {
            std::str::from_utf8(bytes).map_or(LegacyText::Undecodable, |text| LegacyText::Text(text.to_owned()))
        }
    }
}

/// The id that a text is; `None` when it is missing or no whole number of 64 bits.
pub(crate) fn id(text: &LegacyText) -> Option<i64> {
    Reference::of(text).id().map(|id| id.0)
}

/// The id and the size that two texts are.
pub(crate) fn id_and_size(key: &LegacyText, size: &LegacyText) -> Option<(i64, u64)> {
    Some((id(key)?, u64::try_from(id(size)?).ok()?))
}

/// Ids as a list in SQL: digits, so that they need no quoting.
pub(crate) fn list(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    // An empty list is no SQL, NULL is in nothing.
    if ids.is_empty() { "NULL".to_owned() } else { ids.join(", ") }
}

/// The bytes of a text as MySQL writes them, so that nothing in them needs quoting.
pub(crate) fn hexadecimal(text: &str) -> String {
    let mut literal = "x'".to_owned();
    for byte in text.bytes() {
        write!(literal, "{byte:02x}").expect("a string takes any text");
    }
    literal + "'"
}
