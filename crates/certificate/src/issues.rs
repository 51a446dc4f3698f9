//! The issues of one certificate as they are found, and the readings of text that can be one.

use std::fmt::Display;

use crate::text::{Reading, quote};
use crate::{Code, Issue, LegacyText, OldId, Reference};

/// The issues found so far. Two of one code and field become one that says both.
#[derive(Debug, Default)]
pub(crate) struct Issues(Vec<Issue>);

impl Issues {
    /// Adds an issue about the value `raw` of the certificate's own row. Of two that become one the first value is kept.
    pub(crate) fn add(&mut self, code: Code, field: Option<&str>, message: String, raw: Option<&str>) {
        self.add_about(None, code, field, message, raw);
    }

    /// The same about another row, or the mapping of one: that of the user, customer or technician with this legacy id.
    pub(crate) fn add_about(
        &mut self,
        id: Option<OldId>,
        code: Code,
        field: Option<&str>,
        message: String,
        raw: Option<&str>,
    ) {
        match self.0.iter_mut().find(|issue| issue.code == code && issue.field.as_deref() == field) {
            None => self.0.push(Issue::new(code, field, message).with_raw(raw).about(id)),
            Some(same) if same.message == message => {}
            Some(same) => {
                same.message.push_str("; ");
                same.message.push_str(&message);
                same.about.extend(id.filter(|id| !same.about.contains(id)));
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn sorted(mut self) -> Vec<Issue> {
        self.0.sort_unstable();
        self.0
    }

    /// A certificate's text that must be there.
    pub(crate) fn required<'a>(&mut self, field: &str, text: &'a LegacyText) -> Option<&'a str> {
        if let Reading::Missing = Reading::of(text) {
            self.missing(field, text);
            return None;
        }
        self.optional(field, text)
    }

    /// A certificate's text that may be missing; unreadable text is an issue.
    pub(crate) fn optional<'a>(&mut self, field: &str, text: &'a LegacyText) -> Option<&'a str> {
        let message = match Reading::of(text) {
            Reading::Missing => return None,
            Reading::Text(text) => return Some(text),
            Reading::Nul(text) if !is_about_people(field) => {
                format!("{field} {} has a NUL character in it", quote(text))
            }
            Reading::Nul(_) => format!("{field} has a NUL character in it"),
            Reading::Undecodable => format!("{field} holds bytes that are no text in its encoding"),
        };
        self.add(Code::InvalidText, Some(field), message, text.as_str());
        None
    }

    /// A required column that has no value, or one that counts as none.
    pub(crate) fn missing(&mut self, field: &str, text: &LegacyText) {
        let message = match text {
            LegacyText::Text(text) => format!("{field} is required, and {} counts as missing", quote(text)),
            LegacyText::Null | LegacyText::Undecodable => format!("{field} is required and missing"),
        };
        self.add(Code::MissingField, Some(field), message, text.as_str());
    }

    /// A reference that must be there; `what` names it, and `owner` is the technician whose it is, if it is not the
    /// certificate's own.
    pub(crate) fn required_id(
        &mut self,
        field: &str,
        what: impl Display,
        owner: Option<OldId>,
        reference: &Reference,
    ) -> Option<OldId> {
        match reference {
            Reference::Missing => {
                let message = format!("{what} is required and missing");
                self.add_about(owner, Code::MissingField, Some(field), message, None);
            }
            Reference::Placeholder(text) => {
                let message = format!("{what} is required, and {} counts as missing", quote(text));
                self.add_about(owner, Code::MissingField, Some(field), message, Some(text));
            }
            Reference::Id(_) | Reference::Unreadable(_) => {}
        }
        self.optional_id(field, what, owner, reference)
    }

    /// A reference that may be missing; an unreadable one is an issue.
    pub(crate) fn optional_id(
        &mut self,
        field: &str,
        what: impl Display,
        owner: Option<OldId>,
        reference: &Reference,
    ) -> Option<OldId> {
        if let Reference::Unreadable(raw) = reference {
            let shown = raw.as_deref().map_or_else(|| "of bytes that are no text".to_owned(), quote);
            let message = format!("{what} {shown} is no id, which is a whole number of at most 64 bits");
            self.add_about(owner, Code::InvalidId, Some(field), message, raw.as_deref());
        }
        reference.id()
    }

    /// Text that the destination's column must be able to hold; `what` names it.
    pub(crate) fn must_fit(&mut self, field: &str, what: &str, text: &str, limit: Option<usize>) {
        self.must_fit_about(None, field, what, text, limit);
    }

    /// The same of the row of the user, customer or technician with this legacy id.
    pub(crate) fn must_fit_about(
        &mut self,
        id: Option<OldId>,
        field: &str,
        what: &str,
        text: &str,
        limit: Option<usize>,
    ) {
        if let Some(limit) = limit
            && text.len() > limit
            && let length = text.chars().count()
            && length > limit
        {
            let message = format!("{what} has {length} characters, the destination holds at most {limit}");
            self.add_about(id, Code::ValueTooLong, Some(field), message, Some(text));
        }
    }
}

/// Whether a field holds text about people, which no message shows: `producer status` shows the message of the last failure.
#[must_use]
pub fn is_about_people(field: &str) -> bool {
    let is_of_person = field.starts_with("customer.") || field.starts_with("technician.");
    is_of_person || ["remarks", "vehicle_registration_number", "vehicle_chassis_number"].contains(&field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_issue_for_each_code_and_field() {
        let mut issues = Issues::default();
        for (code, field, message) in [
            (Code::ValueTooLong, None, "one"),
            (Code::InvalidText, Some("speed"), "same"),
            (Code::InvalidText, Some("speed"), "same"),
            (Code::ValueTooLong, None, "two"),
            (Code::MissingField, Some("speed"), "other code"),
            (Code::InvalidText, Some("status"), "other field"),
        ] {
            issues.add(code, field, message.to_owned(), Some(message));
        }
        let sorted = issues.sorted();
        let shown: Vec<_> = sorted.iter().map(|issue| (issue.code, issue.message.as_str())).collect();
        assert_eq!(
            shown,
            [
                (Code::MissingField, "other code"),
                (Code::InvalidText, "same"),
                (Code::InvalidText, "other field"),
                (Code::ValueTooLong, "one; two"),
            ]
        );
        assert_eq!(sorted[3].raw.as_deref(), Some("one"), "the first value is kept");
    }

    #[test]
    fn an_issue_of_two_technicians_keeps_both_ids() {
        let mut issues = Issues::default();
        for (id, message) in [(7, "user 7"), (8, "user 8"), (7, "user 7")] {
            let raw = id.to_string();
            issues.add_about(
                Some(OldId(id)),
                Code::MissingUserMapping,
                Some("technician.user_id"),
                message.to_owned(),
                Some(&raw),
            );
        }
        let issues = issues.sorted();
        assert_eq!(issues.len(), 1);
        assert_eq!((&issues[0].about, issues[0].raw.as_deref()), (&vec![OldId(7), OldId(8)], Some("7")));
        let stored = serde_json::to_string(&issues[0]).unwrap();
        assert!(!stored.contains("about"), "{stored}");
        assert_eq!(serde_json::from_str::<Issue>(&stored).unwrap(), issues[0], "what is stored is the same issue");
    }

    #[test]
    fn a_nul_is_shown_escaped_and_text_about_people_is_not_shown() {
        let mut issues = Issues::default();
        issues.optional("speed", &"8\0".into());
        issues.optional("remarks", &"Mr. Khan\0".into());
        let sorted = issues.sorted();
        assert_eq!(sorted[0].message, r#"speed "8\0" has a NUL character in it"#);
        assert_eq!(sorted[1].message, "remarks has a NUL character in it");
        for field in ["customer.email", "technician.phone", "vehicle_registration_number", "vehicle_chassis_number"] {
            let mut issues = Issues::default();
            issues.optional(field, &"khan\0".into());
            assert_eq!(issues.sorted()[0].message, format!("{field} has a NUL character in it"));
        }
        assert_eq!(sorted[1].raw.as_deref(), Some("Mr. Khan\u{2400}"));
    }

    #[test]
    fn a_limit_counts_characters() {
        let mut issues = Issues::default();
        issues.must_fit("remarks", "remarks", "تمت", Some(3));
        issues.must_fit("remarks", "remarks", "تمت", None);
        assert!(issues.is_empty());
        issues.must_fit("remarks", "remarks", "تمت", Some(2));
        assert_eq!(issues.sorted()[0].code, Code::ValueTooLong);
    }
}
