//! What a person answers: one line each.

/// An answer about the certificate that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Migrate,
    Skip { reason: String },
    Later,
    Back,
    Quit,
}

/// What may be answered, for a person.
pub(super) const CHOICES: &str = "m migrate, s REASON skip, d decide later, b the one before, q quit";

impl Answer {
    /// The answer that a line is, or what to say of it. Only a line that is an answer as a whole is one.
    pub(super) fn of(line: &str) -> Result<Self, String> {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let reason = rest.trim();
        match (word, reason) {
            ("s", "") => Err("say why it is skipped: s REASON".to_owned()),
            ("s", reason) if reason.contains('\0') => {
                Err("the reason has a NUL character; write it without".to_owned())
            }
            ("s", reason) => Ok(Self::Skip { reason: reason.to_owned() }),
            ("m", "") => Ok(Self::Migrate),
            ("d", "") => Ok(Self::Later),
            ("b", "") => Ok(Self::Back),
            ("q", "") => Ok(Self::Quit),
            _ => Err(format!("not understood; answer one of: {CHOICES}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_answer_as_a_whole() {
        let skip = |reason: &str| Ok(Answer::Skip { reason: reason.to_owned() });
        for (line, answer) in [
            ("m", Ok(Answer::Migrate)),
            (" m\r", Ok(Answer::Migrate)),
            ("d", Ok(Answer::Later)),
            ("b", Ok(Answer::Back)),
            ("q", Ok(Answer::Quit)),
            ("s sold abroad ", skip("sold abroad")),
            ("s\tبيعت", skip("بيعت")),
        ] {
            assert_eq!(Answer::of(line), answer, "{line:?}");
        }
        for line in ["", "m m", "migrate", "M", "sold", "s", "s  ", "q!", "s a\0b", "dd", "y"] {
            assert!(Answer::of(line).is_err(), "{line:?}");
        }
        assert_eq!(Answer::of("s").unwrap_err(), "say why it is skipped: s REASON");
    }
}
