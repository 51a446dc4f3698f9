use serde::{Deserialize, Serialize};

use crate::{NewId, OldId};

macro_rules! verdicts {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $alarms:literal;)+) => {
        /// What verification says of a certificate, or of a column of it: `rules.md`, Afterwards. The gravest comes first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Verdict { $($(#[$doc])* $name,)+ }

        impl Verdict {
            /// Every verdict, the gravest first.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The verdict as it is stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// Whether a person must look at it.
            #[must_use]
            pub const fn is_alarm(self) -> bool {
                match self { $(Self::$name => $alarms,)+ }
            }
        }
    };
}

verdicts! {
    /// The certificate, its vehicle or a created person is gone from the destination.
    Missing = "missing", true;
    /// Changed in the source and in the destination, to different values.
    Conflict = "conflict", true;
    /// Changed in the destination, where its users change nothing.
    Suspect = "suspect", true;
    /// A destination certificate that no status row owns, with the number of a legacy one.
    Twin = "twin", true;
    /// Recorded as failed, and the plan no longer says so, or has other issues.
    WrongVerdict = "wrong_verdict", true;
    /// Changed in the source since; the destination has what was written.
    Stale = "stale", true;
    /// The source is as it was, and today's plan is another.
    RulesChanged = "rules_changed", true;
    /// Its row in the source is gone.
    Gone = "gone", true;
    /// A row of the source without a status row.
    NotEnqueued = "not_enqueued", true;
    /// A row of the source that nothing tells apart from others.
    Unaddressable = "unaddressable", true;
    /// It changed while it was looked at, again and again.
    Unchecked = "unchecked", true;
    /// Changed in the destination, where its users may.
    Edited = "edited", false;
    /// All agree.
    Match = "match", false;
}

impl Verdict {
    /// The verdict that is stored and shown as `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|verdict| verdict.as_str() == text)
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Missing => "find out who deleted it; `producer revert` and `retry --reverted` migrate it again",
            Self::Conflict => "decide which of the two values is right, and enter it on the other side",
            Self::Suspect => "find out who changed it; put it right, or accept it with `producer verify --accept`",
            Self::Twin => "somebody entered the certificate by hand: decide which of the two stays",
            Self::WrongVerdict => "`producer retry --id` tries it again",
            Self::Stale => {
                "take it back with `producer revert --id`, and migrate it again with `producer retry --reverted --id`"
            }
            Self::RulesChanged => {
                "undo the change of mapping, device or configuration, or accept it with `producer verify --accept`"
            }
            Self::Gone => {
                "find out who deleted the row of the source; where that was right, accept it or take the certificate back"
            }
            Self::NotEnqueued => "`producer enqueue` queues it",
            Self::Unaddressable => "give each row of the source an id of its own",
            Self::Unchecked => "verify it again when nobody changes it",
            Self::Edited | Self::Match => "nothing",
        }
    }
}

/// One thing that verification found: of a certificate, or of a column of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The legacy id; none for a row of the source that has none.
    pub certificate_id: Option<OldId>,
    /// The certificate of the destination.
    pub new_certificate_id: Option<NewId>,
    /// What is the matter.
    pub verdict: Verdict,
    /// The column, such as `certificate.speed_limit_kmh`; `certificate` or `vehicle` where it is about the whole; none where
    /// it is about the row of the source.
    pub field: Option<String>,
    /// What the source says.
    pub raw: Option<String>,
    /// What should be there.
    pub expected: Option<String>,
    /// What is there.
    pub found: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::parse(verdict.as_str()), Some(*verdict));
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.as_str());
        }
        assert_eq!(Verdict::parse("fine"), None);
    }
}
