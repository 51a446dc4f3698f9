use crate::CodePage;
use crate::code_page::first_paragraph;

/// What to do about certificates that failed with a code, as its page of `docs/codes` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// In a few words, for a line of a terminal.
    pub in_short: String,
    /// With what the code means, for a report.
    pub in_full: String,
}

impl Remedy {
    /// Finds the remedy of a code as it is stored; another version of Certferry may have written it.
    #[must_use]
    pub fn of(code: &str) -> Self {
        let Some(page) = CodePage::of(code) else {
            return Self {
                in_short: "see the documentation of a newer Certferry".to_owned(),
                in_full: "Written by another version of Certferry; see its documentation.".to_owned(),
            };
        };
        let remedy = first_paragraph(page.remedy());
        let in_full = format!("{} {remedy}", page.summary());
        Self { in_short: as_a_part_of_a_line(&remedy), in_full }
    }
}

/// The sentence without its capital and its full stop.
fn as_a_part_of_a_line(sentence: &str) -> String {
    let mut characters = sentence.trim_end_matches('.').chars();
    characters.next().into_iter().flat_map(char::to_lowercase).chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_advice_that_fits_its_place() {
        for page in CodePage::all() {
            let Remedy { in_short, in_full } = Remedy::of(page.code());
            assert!((10..=64).contains(&in_short.len()), "{in_short}");
            assert!(in_full.ends_with('.') && in_full.len() <= 300, "{in_full}");
        }
        assert!(Remedy::of("from_the_future").in_short.contains("newer"));
    }

    #[test]
    fn the_advice_stands_on_the_page() {
        let Remedy { in_short, in_full } = Remedy::of("missing_device");
        assert_eq!(in_short, "add the device to the new system, or correct the ECU number");
        assert_eq!(
            in_full,
            "The new system has no device with the certificate's ECU number. Add the device to the new system, or \
             correct the ECU number."
        );
    }
}
