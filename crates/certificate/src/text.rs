//! `rules.md`, One certificate, Text: what is text, what is missing and what is neither; and the digits.

use crate::LegacyText;

const PLACEHOLDERS: [&str; 7] = ["-", "--", "n/a", "na", "null", "none", "nil"];

/// The most characters of a legacy value that a message shows.
const SHOWN: usize = 60;

/// A legacy text by the rules of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading<'a> {
    /// `NULL`, empty, white space or a placeholder.
    Missing,
    /// Text without surrounding white space.
    Text(&'a str),
    /// Text with a NUL character in it.
    Nul(&'a str),
    /// Bytes that are no text.
    Undecodable,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(text: &'a LegacyText) -> Self {
        match text {
            LegacyText::Null => Self::Missing,
            LegacyText::Undecodable => Self::Undecodable,
            LegacyText::Text(text) if text.contains('\0') => Self::Nul(text),
            LegacyText::Text(text) => match text.trim() {
                "" => Self::Missing,
                text if is_placeholder(text) => Self::Missing,
                text => Self::Text(text),
            },
        }
    }

    /// The text, when it is neither missing nor unreadable.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Missing | Self::Nul(_) | Self::Undecodable => None,
        }
    }
}

fn is_placeholder(text: &str) -> bool {
    PLACEHOLDERS.iter().any(|placeholder| placeholder.eq_ignore_ascii_case(text))
}

/// The value of a character that counts as a digit in speeds and dates.
pub(crate) fn digit(character: char) -> Option<u32> {
    let zero = match character {
        '0'..='9' => '0',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6F0}'..='\u{6F9}' => '\u{6F0}',
        _ => return None,
    };
    Some(u32::from(character) - u32::from(zero))
}

/// A legacy value for a message: quoted, escaped (a NUL too) and of bounded length.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_text() {
        assert_eq!(Reading::of(&LegacyText::Null), Reading::Missing);
        for missing in [
            "",
            " ",
            "\t\r\n",
            "\u{a0}\u{2003}",
            "-",
            "--",
            "n/a",
            "N/A",
            "na",
            "Na",
            "NULL",
            "null",
            "None",
            "NIL",
            " - ",
            "\u{3000}n/A\u{a0}",
        ] {
            assert_eq!(Reading::of(&missing.into()), Reading::Missing, "{missing:?}");
        }
    }

    #[test]
    fn text_that_only_looks_missing() {
        for text in ["---", "n.a.", "n / a", "nan", "0", "?", "nothing", "\u{2013}", "N/A N/A"] {
            assert_eq!(Reading::of(&text.into()), Reading::Text(text), "{text:?}");
        }
    }

    #[test]
    fn surrounding_white_space_goes_and_inner_stays() {
        assert_eq!(Reading::of(&" \u{2003}a  b\u{a0}\n".into()), Reading::Text("a  b"));
        assert_eq!(Reading::of(&"٨٠".into()), Reading::Text("٨٠"));
    }

    #[test]
    fn a_nul_anywhere_is_invalid() {
        for text in ["\0", "a\0", "\0a", " \0 ", "n/a\0", "-\0", "80\0"] {
            assert_eq!(Reading::of(&text.into()), Reading::Nul(text), "{text:?}");
        }
        assert_eq!(Reading::of(&LegacyText::Undecodable), Reading::Undecodable);
    }

    #[test]
    fn digits_of_three_scripts() {
        for (zero, nine) in [('0', '9'), ('٠', '٩'), ('۰', '۹')] {
            assert_eq!((zero..=nine).map(digit).collect::<Option<Vec<_>>>(), Some((0..10).collect()));
        }
        for other in ['a', '/', ':', '\u{65f}', '\u{66a}', '\u{6ef}', '\u{6fa}', '０', '८', '²', '½'] {
            assert_eq!(digit(other), None, "{other}");
        }
    }

    #[test]
    fn quoted_text_is_escaped_and_bounded() {
        assert_eq!(quote("a\0\"b\n"), r#""a\0\"b\n""#);
        assert_eq!(quote(&"é".repeat(60)), format!("\"{}\"", "é".repeat(60)));
        assert_eq!(quote(&"é".repeat(61)), format!("\"{}\"…", "é".repeat(60)));
    }
}
