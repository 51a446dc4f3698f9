use serde::{Serialize, Serializer};

use crate::text::Reading;
use crate::{LegacyText, OldId};

/// A legacy row's reference to another row, such as a certificate's `customer_id`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reference {
    /// `NULL`: it refers to nothing.
    #[default]
    Missing,
    /// Empty, white space or a placeholder, as it is stored: it refers to nothing either.
    Placeholder(String),
    /// The id of the row it refers to.
    Id(OldId),
    /// Something that is no id: what it says, or `None` for bytes that are no text.
    Unreadable(Option<String>),
}

impl Reference {
    /// The reference that a legacy value is, whatever type its column has.
    #[must_use]
    pub fn of(value: &LegacyText) -> Self {
        match Reading::of(value) {
            Reading::Missing => value.as_str().map_or(Self::Missing, |text| Self::Placeholder(text.to_owned())),
            Reading::Text(text) => match whole_number(text) {
                Some(id) => Self::Id(OldId(id)),
                None => Self::Unreadable(value.as_str().map(str::to_owned)),
            },
            Reading::Nul(text) => Self::Unreadable(Some(text.to_owned())),
            Reading::Undecodable => Self::Unreadable(None),
        }
    }

    /// Whether it refers to nothing.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing | Self::Placeholder(_))
    }

    /// The id, when there is one to be read.
    #[must_use]
    pub const fn id(&self) -> Option<OldId> {
        match self {
            Self::Id(id) => Some(*id),
            Self::Missing | Self::Placeholder(_) | Self::Unreadable(_) => None,
        }
    }
}

/// For a person: the id, `null`, or what stands in its place.
impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Missing => serializer.serialize_none(),
            Self::Id(id) => id.serialize(serializer),
            Self::Placeholder(text) | Self::Unreadable(Some(text)) => serializer.serialize_str(text),
            Self::Unreadable(None) => serializer.collect_map([("undecodable", true)]),
        }
    }
}

/// The whole number within bigint that a trimmed text is: ASCII digits with a sign or none, and after a dot nothing but
/// zeros, as a DECIMAL or floating column writes it. An exponent is refused: `1E3` is as likely a code as a number.
pub(crate) fn whole_number(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.bytes().all(|digit| digit == b'0') { whole.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_that_are_no_text_and_nul_are_no_id() {
        assert_eq!(Reference::of(&LegacyText::Undecodable), Reference::Unreadable(None));
        assert_eq!(Reference::of(&"12\0".into()), Reference::Unreadable(Some("12\0".to_owned())));
        assert_eq!(Reference::of(&LegacyText::Null), Reference::Missing);
        assert_eq!(Reference::of(&" N/A ".into()), Reference::Placeholder(" N/A ".to_owned()));
    }

    #[test]
    fn what_is_unreadable_is_kept_as_it_is() {
        assert_eq!(Reference::of(&" TECH-7 ".into()), Reference::Unreadable(Some(" TECH-7 ".to_owned())));
    }

    proptest! {
        #[test]
        fn every_bigint_is_read_back(id: i64, before in "[ \t\u{a0}]{0,2}", after in "(\\.0{0,3})?[ \n\u{3000}]{0,2}") {
            let text = format!("{before}{id}{after}");
            prop_assert_eq!(Reference::of(&text.as_str().into()), Reference::Id(OldId(id)));
        }

        #[test]
        fn a_number_beyond_bigint_is_unreadable(beyond in 1_u64..) {
            for number in [i128::from(i64::MAX) + i128::from(beyond), i128::from(i64::MIN) - i128::from(beyond)] {
                let text = number.to_string();
                prop_assert_eq!(Reference::of(&text.as_str().into()), Reference::Unreadable(Some(text.clone())));
            }
        }

        #[test]
        fn nothing_unreadable_becomes_missing(text in "\\PC*|[-+0-9.eE ]{0,24}|[ \0-~]{0,12}") {
            let value = LegacyText::Text(text.clone());
            match Reference::of(&value) {
                Reference::Missing => prop_assert!(false, "it is no NULL"),
                Reference::Placeholder(raw) => {
                    prop_assert_eq!(Reading::of(&value), Reading::Missing);
                    prop_assert_eq!(raw, text);
                }
                Reference::Id(id) => prop_assert!(text.contains(id.0.to_string().trim_start_matches('-')), "{}", id),
                Reference::Unreadable(raw) => prop_assert_eq!(raw, Some(text)),
            }
        }
    }
}
