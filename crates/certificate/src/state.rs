use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of a certificate so far: `rules.md`, The status table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waiting, running or waiting for another attempt.
    Queued,
    /// In the destination.
    Migrated,
    /// Given up, with its reasons.
    Failed,
    /// Set aside by a person.
    Skipped,
    /// Migrated, and taken back by a person.
    Reverted,
}

impl State {
    /// Every state, in the order in which they are shown.
    pub const ALL: &[Self] = &[Self::Queued, Self::Migrated, Self::Failed, Self::Skipped, Self::Reverted];

    /// The state as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Migrated => "migrated",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Reverted => "reverted",
        }
    }

    /// The state that is stored as `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_back_as_it_is_stored() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(*state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!(State::parse("Queued"), None);
    }
}
