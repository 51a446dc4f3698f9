use serde::{Deserialize, Serialize};

/// The status of a certificate in the destination: the type `certificate_state` of `destination.sql`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the destination's own words")]
pub enum Status {
    Active,
    Renewed,
    Nullified,
    Cancelled,
    Blocked,
}

impl Status {
    /// The word as the destination stores it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Renewed => "renewed",
            Self::Nullified => "nullified",
            Self::Cancelled => "cancelled",
            Self::Blocked => "blocked",
        }
    }
}
