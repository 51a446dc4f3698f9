//! The texts of a legacy customer or technician that may have to be created.

use crate::issues::Issues;
use crate::text::Reading;
use crate::{Code, LegacyCustomer, LegacyText, OldId};

/// The trade licence by which a legacy customer that is not mapped is looked for in the destination.
#[must_use]
pub fn trade_license(customer: &LegacyCustomer) -> Option<&str> {
    Reading::of(&customer.trade_license).text()
}

/// A text as it would be written; none where it is missing or unreadable.
#[must_use]
pub fn clean(text: &LegacyText) -> Option<&str> {
    Reading::of(text).text()
}

/// The legacy row of a customer or technician, whose issues are found one column after the other.
///
/// Its texts are about a person, so no message shows them; an issue keeps them as its raw value.
pub(crate) struct Person<'i> {
    pub(crate) entity: &'static str,
    pub(crate) id: OldId,
    pub(crate) issues: &'i mut Issues,
}

impl Person<'_> {
    /// Whether a text is there that must be.
    pub(crate) fn require(&mut self, column: &str, field: &str, text: &LegacyText) -> bool {
        let is_there = Reading::of(text) != Reading::Missing;
        if !is_there {
            self.reject(Code::MissingField, column, field, "is required and missing", text.as_str());
        }
        is_there
    }

    /// A text that may be missing; unreadable text is an issue.
    pub(crate) fn text<'a>(&mut self, column: &str, field: &str, text: &'a LegacyText) -> Option<&'a str> {
        let why = match Reading::of(text) {
            Reading::Missing => return None,
            Reading::Text(text) => return Some(text),
            Reading::Nul(_) => "has a NUL character in it",
            Reading::Undecodable => "holds bytes that are no text in its encoding",
        };
        self.reject(Code::InvalidText, column, field, why, text.as_str());
        None
    }

    /// A text that the destination's column must be able to hold.
    pub(crate) fn must_fit(&mut self, column: &str, field: &str, text: Option<&str>, limit: Option<usize>) {
        if let (Some(text), Some(_)) = (text, limit) {
            let what = self.column(column);
            self.issues.must_fit_about(Some(self.id), field, &what, text, limit);
        }
    }

    /// An issue of a column.
    pub(crate) fn reject(&mut self, code: Code, column: &str, field: &str, why: &str, raw: Option<&str>) {
        let message = format!("{} {why}", self.column(column));
        self.issues.add_about(Some(self.id), code, Some(field), message, raw);
    }

    fn column(&self, column: &str) -> String {
        format!("the {column} of {} {}", self.entity, self.id)
    }
}
