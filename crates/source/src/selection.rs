use certferry_certificate::{LegacyText, OldId};

use crate::Repeated;

/// Which certificates are meant. Ids and ECU numbers narrow each other; the default is all certificates.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    ids: Option<Vec<i64>>,
    ecu_numbers: Option<Vec<String>>,
}

impl Selection {
    /// All certificates.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Only these ids; naming one twice is naming it once.
    #[must_use]
    pub fn with_ids(mut self, ids: impl IntoIterator<Item = OldId>) -> Self {
        let mut ids: Vec<i64> = ids.into_iter().map(|id| id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        self.ids = Some(ids);
        self
    }

    /// Only certificates of these ECU numbers, compared as the migration compares them: without surrounding white
    /// space, otherwise exactly. An empty number selects nothing.
    #[must_use]
    pub fn with_ecu_numbers<S: AsRef<str>>(mut self, ecu_numbers: impl IntoIterator<Item = S>) -> Self {
        let trimmed = ecu_numbers.into_iter().map(|ecu| ecu.as_ref().trim().to_owned());
        // No text of PostgreSQL can hold a NUL, so it can be asked for none.
        let mut ecu_numbers: Vec<String> = trimmed.filter(|ecu| !ecu.is_empty() && !ecu.contains('\0')).collect();
        ecu_numbers.sort_unstable();
        ecu_numbers.dedup();
        self.ecu_numbers = Some(ecu_numbers);
        self
    }

    /// Whether it is all certificates.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.ids.is_none() && self.ecu_numbers.is_none()
    }

    pub(crate) fn ids(&self) -> Option<&[i64]> {
        self.ids.as_deref()
    }

    pub(crate) fn ecu_numbers(&self) -> Option<&[String]> {
        self.ecu_numbers.as_deref()
    }

    /// Whether a certificate with this ECU number is meant, whatever its id.
    pub(crate) fn has_ecu_number(&self, ecu_number: &LegacyText) -> bool {
        match (&self.ecu_numbers, ecu_number) {
            (None, _) => true,
            (Some(wanted), LegacyText::Text(text)) => {
                wanted.binary_search_by(|ecu| ecu.as_str().cmp(text.trim())).is_ok()
            }
            (Some(_), LegacyText::Null | LegacyText::Undecodable) => false,
        }
    }
}

/// One page of certificate ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Ids of the selection that one row has, ascending. There may be fewer than the limit, or none, though more pages follow.
    pub ids: Vec<OldId>,
    /// Ids that more than one row has, ascending. None of those rows can be addressed.
    pub repeated: Vec<Repeated>,
    /// Ids that were named but are not in the source (or have none of the ECU numbers), ascending.
    pub absent: Vec<OldId>,
    /// Where the next page begins; `None` after the last page.
    pub next: Option<OldId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecu_numbers_match_trimmed_and_otherwise_exactly() {
        let selection = Selection::all().with_ecu_numbers([" ECU1 ", "", " ", "ECU2", "ECU1", "a\0b"]);
        assert_eq!(selection.ecu_numbers(), Some(["ECU1".to_owned(), "ECU2".to_owned()].as_slice()));
        for text in ["ECU1", "\t ECU1\u{a0}", "ECU2\n"] {
            assert!(selection.has_ecu_number(&text.into()), "{text:?}");
        }
        for text in ["ecu1", "ECU11", "E CU1", "", " "] {
            assert!(!selection.has_ecu_number(&text.into()), "{text:?}");
        }
        assert!(!selection.has_ecu_number(&LegacyText::Null));
        assert!(!selection.has_ecu_number(&LegacyText::Undecodable));
        assert!(Selection::all().has_ecu_number(&LegacyText::Null));
    }

    #[test]
    fn ids_are_sorted_and_named_once() {
        let ids = [5, i64::MIN, 5, -3, i64::MAX].map(OldId);
        assert_eq!(Selection::all().with_ids(ids).ids(), Some([i64::MIN, -3, 5, i64::MAX].as_slice()));
    }
}
