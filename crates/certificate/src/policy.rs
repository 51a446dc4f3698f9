use std::collections::HashMap;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::Status;

/// What to do with a customer or technician that has no mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnMissing {
    /// Match or create it in the destination.
    #[default]
    Create,
    /// Fail the certificate.
    Fail,
}

/// The configurable part of the rules.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The zone of legacy wall-clock times.
    pub timezone: Tz,
    /// Legacy status words.
    pub statuses: StatusTable,
    /// Makes of more than one word (`ASHOK LEYLAND FALCON`); the longest that fits is the brand.
    pub brands: Vec<String>,
    /// Customers without a mapping.
    pub customers: OnMissing,
    /// Technicians without a mapping.
    pub technicians: OnMissing,
}

impl Default for Policy {
    /// The rules as they stand: Dubai's clocks, no brands of several words, everything that is missing created.
    fn default() -> Self {
        Self {
            timezone: Tz::Asia__Dubai,
            statuses: StatusTable::default(),
            brands: Vec::new(),
            customers: OnMissing::default(),
            technicians: OnMissing::default(),
        }
    }
}

/// Which legacy word means which status; words are compared without the case of ASCII letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusTable(HashMap<String, Status>);

impl StatusTable {
    /// The status of a word that has been trimmed.
    #[must_use]
    pub fn get(&self, word: &str) -> Option<Status> {
        self.0.get(&word.to_ascii_lowercase()).copied()
    }

    /// The words of the table, in lower case and sorted.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        let mut words: Vec<_> = self.0.keys().map(String::as_str).collect();
        words.sort_unstable();
        words
    }
}

impl Default for StatusTable {
    /// The table of `rules.md`, Status.
    fn default() -> Self {
        [
            ("active", Status::Active),
            ("valid", Status::Active),
            ("issued", Status::Active),
            ("renewed", Status::Renewed),
            ("renew", Status::Renewed),
            ("nullified", Status::Nullified),
            ("void", Status::Nullified),
            ("null & void", Status::Nullified),
            ("cancelled", Status::Cancelled),
            ("canceled", Status::Cancelled),
            ("blocked", Status::Blocked),
        ]
        .into_iter()
        .collect()
    }
}

impl<S: AsRef<str>> Extend<(S, Status)> for StatusTable {
    /// Adds words; one that is there already takes the new status.
    fn extend<I: IntoIterator<Item = (S, Status)>>(&mut self, words: I) {
        self.0.extend(words.into_iter().map(|(word, status)| (word.as_ref().trim().to_ascii_lowercase(), status)));
    }
}

impl<S: AsRef<str>> FromIterator<(S, Status)> for StatusTable {
    fn from_iter<I: IntoIterator<Item = (S, Status)>>(words: I) -> Self {
        let mut table = Self(HashMap::new());
        table.extend(words);
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_statuses_in_any_case() {
        let table = StatusTable::default();
        for (word, status) in [
            ("active", "active"),
            ("ACTIVE", "active"),
            ("Valid", "active"),
            ("iSSUED", "active"),
            ("Renewed", "renewed"),
            ("RENEW", "renewed"),
            ("nullified", "nullified"),
            ("VOID", "nullified"),
            ("Null & Void", "nullified"),
            ("Cancelled", "cancelled"),
            ("CANCELED", "cancelled"),
            ("Blocked", "blocked"),
        ] {
            assert_eq!(table.get(word).map(Status::as_str), Some(status), "{word}");
        }
        for word in [
            "",
            "EXPIRED",
            "???",
            "act",
            "actives",
            "null&void",
            "null  & void",
            "blocked.",
            "bloc\u{212A}ed",
            "i\u{17F}\u{17F}ued",
        ] {
            assert_eq!(table.get(word), None, "{word}");
        }
    }

    #[test]
    fn the_table_can_be_extended_and_changed() {
        let mut table = StatusTable::default();
        table.extend([(" Suspended ", Status::Blocked), ("VOID", Status::Cancelled), ("منتهي", Status::Renewed)]);
        assert_eq!(table.get("SUSPENDED"), Some(Status::Blocked));
        assert_eq!(table.get("void"), Some(Status::Cancelled));
        assert_eq!(table.get("منتهي"), Some(Status::Renewed));
        assert_eq!(table.get("active"), Some(Status::Active));
        assert_eq!(table.words().len(), 13);
    }
}
