//! The form of mapping files: one JSON object, `{"<old id>": <new id>}`. `rules.md`, Mapping files.

use std::fmt;
use std::io::{BufRead, Write};

use certferry_certificate::{NewId, OldId};
use certferry_store::{Entry, Mapping};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use certferry_bootstrap::shown;

/// The name of a mapping's file.
pub(crate) const fn file_name(mapping: Mapping) -> &'static str {
    match mapping {
        Mapping::Users => "user_mappings.json",
        Mapping::Customers => "customer_mappings.json",
        Mapping::Technicians => "technicians_mapping.json",
        Mapping::Certificates => "certificates_mappings.json",
    }
}

/// What is wrong with a mapping file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Mistake {
    /// It cannot be read.
    #[error("it could not be read")]
    Unreadable(#[source] std::io::Error),
    /// It has not the form, or a value is not an id. The message has the line.
    #[error("{0}")]
    Form(serde_json::Error),
    /// It contradicts itself.
    #[error("it has the id {old_id} twice, as {} and as {}", new_ids[0], new_ids[1])]
    Twice {
        /// The legacy id.
        old_id: OldId,
        /// What it would be.
        new_ids: [NewId; 2],
    },
}

/// Reads a mapping file: entries by ascending old id, none of them twice.
pub(crate) fn read(mut file: impl BufRead) -> Result<Vec<Entry>, Mistake> {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    if file.fill_buf().map_err(Mistake::Unreadable)?.starts_with(BYTE_ORDER_MARK) {
        file.consume(BYTE_ORDER_MARK.len());
    }
    let mut json = serde_json::Deserializer::from_reader(file);
    let mut entries = json.deserialize_map(Entries).map_err(mistake)?;
    json.end().map_err(mistake)?;
    entries.sort_unstable();
    entries.dedup();
    let twice = entries.windows(2).find(|pair| pair[0].0 == pair[1].0);
    match twice {
        Some(pair) => Err(Mistake::Twice { old_id: pair[0].0, new_ids: [pair[0].1, pair[1].1] }),
        None => Ok(entries),
    }
}

fn mistake(error: serde_json::Error) -> Mistake {
    if error.is_io() { Mistake::Unreadable(error.into()) } else { Mistake::Form(error) }
}

/// Writes one page of a mapping file after the other.
pub(crate) struct Writer<W> {
    file: W,
    entries: u64,
}

impl<W: Write> Writer<W> {
    pub(crate) fn new(mut file: W) -> std::io::Result<Self> {
        file.write_all(b"{")?;
        Ok(Self { file, entries: 0 })
    }

    pub(crate) fn write(&mut self, entries: &[Entry]) -> std::io::Result<()> {
        for (old_id, new_id) in entries {
            let separator = if self.entries == 0 { "" } else { "," };
            write!(self.file, "{separator}\n\"{old_id}\": {new_id}")?;
            self.entries += 1;
        }
        Ok(())
    }

    /// Ends the file; how many entries it has.
    pub(crate) fn finish(mut self) -> std::io::Result<u64> {
        self.file.write_all(b"\n}\n")?;
        self.file.flush()?;
        Ok(self.entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object such as {\"12\": 34}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let old_id =
                id(&key).map_err(|why| A::Error::custom(format_args!("the old id `{}` {why}", shown(&key))))?;
            let new_id = match map.next_value::<Value>()? {
                Value::Id(new_id) => new_id,
                Value::Wrong(what) => {
                    return Err(A::Error::custom(format_args!("the new id of `{}`, {what}", shown(&key))));
                }
            };
            entries.push((OldId(old_id), NewId(new_id)));
        }
        Ok(entries)
    }
}

const NOT_WHOLE: &str = "is not a whole number";
const OUT_OF_RANGE: &str = "is out of range of BIGINT";

/// An id from its digits.
fn id(text: &str) -> Result<i64, &'static str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NOT_WHOLE);
    }
    text.parse().map_err(|_| OUT_OF_RANGE)
}

/// A new id, or what is there in its place: whose it is, is known one level up.
enum Value {
    Id(i64),
    Wrong(String),
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Id(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or_else(|_| Value::Wrong(format!("{value}, {OUT_OF_RANGE}")), Value::Id))
    }

    /// Also whole numbers too large for any integer arrive here.
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        let why = if value.fract() == 0.0 && value.abs() >= 2f64.powi(63) { OUT_OF_RANGE } else { NOT_WHOLE };
        Ok(Value::Wrong(format!("{value}, {why}")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(id(value).map_or_else(|why| Value::Wrong(format!("\"{}\", {why}", shown(value))), Value::Id))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Wrong(format!("{value}, {NOT_WHOLE}")))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Wrong(format!("null, {NOT_WHOLE}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Wrong(format!("a list, {NOT_WHOLE}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Wrong(format!("an object, {NOT_WHOLE}")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<Vec<(i64, i64)>, String> {
        let entries = read(text.as_bytes());
        entries.map(|all| all.iter().map(|(old, new)| (old.0, new.0)).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn ids_are_numbers_or_strings_of_digits() {
        let text = "\u{feff} {\"12\": 7, \"3\":\"8\", \"-5\": \"0012\",\n\"12\": 7, \"9223372036854775807\": -1} \n";
        assert_eq!(parsed(text), Ok(vec![(-5, 12), (3, 8), (12, 7), (i64::MAX, -1)]));
        assert_eq!(parsed("{}"), Ok(vec![]));
    }

    #[test]
    fn every_mistake_says_where_and_why() {
        for (text, message) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("[1, 2]", "invalid type: sequence, expected a JSON object such as {\"12\": 34} at line 1 column 1"),
            ("7", "invalid type: integer `7`, expected a JSON object such as {\"12\": 34} at line 1 column 1"),
            ("{\"1\": 2}{", "trailing characters at line 1 column 9"),
            ("{\"1\": 2,\n\"2\" 3}", "expected `:` at line 2 column 5"),
            ("{\"1\": 2,\n\"x\": 3}", "the old id `x` is not a whole number at line 2 column 4"),
            ("{\"1.0\": 2}", "the old id `1.0` is not a whole number at line 1 column 7"),
            ("{\"\": 2}", "the old id `` is not a whole number at line 1 column 4"),
            ("{\"٣\": 2}", "the old id `٣` is not a whole number at line 1 column 6"),
            (
                "{\"9223372036854775808\": 2}",
                "the old id `9223372036854775808` is out of range of BIGINT at line 1 column 23",
            ),
            ("{\"1\": \"two\"}", "the new id of `1`, \"two\", is not a whole number at line 1 column 12"),
            ("{\"1\": 2.5}", "the new id of `1`, 2.5, is not a whole number at line 1 column 10"),
            ("{\"1\": null}", "the new id of `1`, null, is not a whole number at line 1 column 11"),
            ("{\"1\": true}", "the new id of `1`, true, is not a whole number at line 1 column 11"),
            (
                "{\"1\": 9223372036854775808}",
                "the new id of `1`, 9223372036854775808, is out of range of BIGINT at line 1 column 26",
            ),
            ("{\"1\": [2]}", "the new id of `1`, a list, is not a whole number at line 1 column 10"),
            ("{\"1\": {\"2\": 3}}", "the new id of `1`, an object, is not a whole number at line 1 column 15"),
            (
                "{\"1\": 1e30}",
                "the new id of `1`, 1000000000000000000000000000000, is out of range of BIGINT at line 1 column 11",
            ),
            ("{\"1\": 5, \"2\": 3, \"01\": 6}", "it has the id 1 twice, as 5 and as 6"),
        ] {
            assert_eq!(parsed(text), Err(message.to_owned()), "{text}");
        }
        assert!(parsed("{\"1\": 1e400}").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(entries: std::collections::BTreeMap<i64, i64>) {
            let entries: Vec<Entry> = entries.into_iter().map(|(old, new)| (OldId(old), NewId(new))).collect();
            let mut text = Vec::new();
            let mut writer = Writer::new(&mut text).expect("memory takes it");
            for page in entries.chunks(3) {
                writer.write(page).expect("memory takes it");
            }
            prop_assert_eq!(writer.finish().expect("memory takes it"), entries.len() as u64);
            prop_assert_eq!(read(text.as_slice()).expect("it is a mapping file"), entries);
        }

        #[test]
        fn no_file_panics(text in "\\PC*") {
            drop(parsed(&text));
            drop(parsed(&format!("{{\"1\": {text}}}")));
        }
    }
}
