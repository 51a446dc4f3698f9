use std::fmt;

use certferry_certificate::{LegacyText, OldId};

/// How many rows that cannot be addressed are named; the others are counted.
const NAMED: usize = 100;

/// How much of what stands in the place of an id is shown.
const SHOWN: usize = 40;

/// The rows of a source that cannot be told apart from others by their id (`rules.md`, Rows that cannot be addressed).
/// None of them is migrated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unaddressable {
    /// Rows without an id.
    pub missing: u64,
    /// Rows whose id is no whole number within bigint.
    pub unreadable: u64,
    /// Rows whose id another row has too.
    pub repeated: u64,
    /// The first hundred, in words: `'X-7'`, `7 (2 rows)`.
    pub named: Vec<String>,
}

impl Unaddressable {
    /// How many rows they are.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.missing + self.unreadable + self.repeated
    }

    /// Adds a row that has no id, or this in its place.
    pub(crate) fn add_unreadable(&mut self, id: &LegacyText) {
        let name = match id {
            LegacyText::Null => {
                self.missing += 1;
                return;
            }
            LegacyText::Undecodable => "bytes that are no text".to_owned(),
            LegacyText::Text(text) => match text.char_indices().nth(SHOWN) {
                Some((end, _)) => format!("'{}…'", &text[..end]),
                None => format!("'{text}'"),
            },
        };
        self.unreadable += 1;
        self.name(name);
    }

    /// Adds an id that several rows have.
    pub fn add_repeated(&mut self, repeated: Repeated) {
        self.repeated += repeated.rows;
        self.name(format!("{} ({} rows)", repeated.id, repeated.rows));
    }

    /// Adds others to these.
    pub fn add(&mut self, others: Self) {
        self.missing += others.missing;
        self.unreadable += others.unreadable;
        self.repeated += others.repeated;
        others.named.into_iter().for_each(|name| self.name(name));
    }

    fn name(&mut self, name: String) {
        if self.named.len() < NAMED {
            self.named.push(name);
        }
    }
}

impl fmt::Display for Unaddressable {
    /// `3 without an id, 1 whose id is no whole number within bigint, 2 whose id another row has too: 'X-7', 7 (2 rows)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (self.missing, "without an id"),
            (self.unreadable, "whose id is no whole number within bigint"),
            (self.repeated, "whose id another row has too"),
        ];
        let kinds = kinds.iter().filter(|(rows, _)| *rows > 0).map(|(rows, what)| format!("{rows} {what}"));
        f.write_str(&kinds.collect::<Vec<_>>().join(", "))?;
        if !self.named.is_empty() {
            let more = if self.named.len() == NAMED { ", …" } else { "" };
            write!(f, ": {}{more}", self.named.join(", "))?;
        }
        Ok(())
    }
}

/// An id that more than one row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The id.
    pub id: OldId,
    /// How many rows have it.
    pub rows: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_and_the_first_hundred_named() {
        let mut rows = Unaddressable::default();
        rows.add_unreadable(&LegacyText::Null);
        assert_eq!(rows.to_string(), "1 without an id");
        rows.add_unreadable(&"X-7".into());
        rows.add_repeated(Repeated { id: OldId(7), rows: 2 });
        assert_eq!(
            rows.to_string(),
            "1 without an id, 1 whose id is no whole number within bigint, 2 whose id another row has too: 'X-7', 7 (2 rows)"
        );
        for id in 0..200 {
            rows.add_repeated(Repeated { id: OldId(id), rows: 3 });
        }
        assert_eq!((rows.rows(), rows.named.len()), (604, 100));
        let mut others = Unaddressable::default();
        others.add_unreadable(&"ä".repeat(50).as_str().into());
        assert_eq!(others.named, [format!("'{}…'", "ä".repeat(40))]);
        rows.add(others);
        assert_eq!((rows.rows(), rows.named.len()), (605, 100));
    }
}
