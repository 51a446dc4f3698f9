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

/// Which legacy word means which status; words are compared without case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusTable(HashMap<String, Status>);

impl StatusTable {
    /// The status of a word that has been trimmed.
    #[must_use]
    pub fn get(&self, word: &str) -> Option<Status> {
        self.0.get(&word.to_lowercase()).copied()
    }
}

impl<S: AsRef<str>> FromIterator<(S, Status)> for StatusTable {
    fn from_iter<I: IntoIterator<Item = (S, Status)>>(words: I) -> Self {
        Self(words.into_iter().map(|(word, status)| (word.as_ref().trim().to_lowercase(), status)).collect())
    }
}
