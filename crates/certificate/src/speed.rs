//! `rules.md`, Speed: one speed of 1 to 300 km/h out of what a person typed, in exact decimal arithmetic.

use thiserror::Error;

use crate::text::{digit, quote};

const KMH: std::ops::RangeInclusive<u64> = 1..=300;
const MILES: [&str; 4] = ["mph", "mi/h", "miles", "mile"];
const KILOMETRES: [&str; 5] = ["km/h", "kmh", "kmph", "kph", "km"];
/// The millimetres of a mile: the factor 1.609344 as a whole number.
const MILLIMETRES_OF_A_MILE: u64 = 1_609_344;
/// Where a number stops growing: far outside every speed, far inside `u64`.
const TOO_FAST: u64 = 1_000_000;

/// Why a text is not one speed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum NotASpeed {
    #[error("there is no number in it")]
    NoNumber,
    #[error("{} is not a number with at most two decimals", quote(.0))]
    NotANumber(String),
    #[error("it has several numbers of different value")]
    SeveralValues,
    #[error("it has two units, one of miles and one of kilometres")]
    TwoUnits,
    #[error("it is negative")]
    Negative,
    #[error("it comes to a speed below 1 km/h")]
    TooSlow,
    #[error("it comes to a speed above 300 km/h")]
    TooFast,
}

/// The speed in whole km/h that a trimmed text stands for.
pub(crate) fn parse(text: &str) -> Result<i16, NotASpeed> {
    if text.starts_with(['-', '\u{2212}']) {
        return Err(NotASpeed::Negative);
    }
    let mut values = Numbers(text).map(|number| hundredths(number).ok_or_else(|| NotASpeed::NotANumber(number.into())));
    let value = values.next().ok_or(NotASpeed::NoNumber)??;
    for other in values {
        if other? != value {
            return Err(NotASpeed::SeveralValues);
        }
    }
    let is_in_miles = has_unit(text, &MILES);
    if is_in_miles && has_unit(text, &KILOMETRES) {
        return Err(NotASpeed::TwoUnits);
    }
    let kmh = if is_in_miles { (value * MILLIMETRES_OF_A_MILE + 50_000_000) / 100_000_000 } else { (value + 50) / 100 };
    if kmh < *KMH.start() {
        return Err(NotASpeed::TooSlow);
    }
    i16::try_from(kmh).ok().filter(|_| KMH.contains(&kmh)).ok_or(NotASpeed::TooFast)
}

/// The numbers of a text: the maximal runs of digits, dots and commas that begin and end with a digit.
struct Numbers<'a>(&'a str);

impl<'a> Iterator for Numbers<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.0.find(|c| digit(c).is_some())?;
        let rest = &self.0[start..];
        let end = rest.find(|c| digit(c).is_none() && c != '.' && c != ',').unwrap_or(rest.len());
        let number = rest[..end].trim_end_matches(['.', ',']);
        self.0 = &rest[end..];
        Some(number)
    }
}

/// The value of a number in hundredths, or `None` when it is not digits with at most one separator and two decimals.
fn hundredths(number: &str) -> Option<u64> {
    let mut value = 0;
    let mut decimals = None;
    for character in number.chars() {
        match (digit(character), decimals) {
            (Some(digit), None) => value = (value * 10 + u64::from(digit)).min(TOO_FAST),
            (Some(digit), Some(seen @ 0..2)) => {
                value = value * 10 + u64::from(digit);
                decimals = Some(seen + 1);
            }
            (None, None) => decimals = Some(0),
            _ => return None,
        }
    }
    match decimals {
        None => Some(value * 100),
        Some(1) => Some(value * 10),
        Some(_) => Some(value),
    }
}

/// Whether the text has one of these units standing free of other letters.
fn has_unit(text: &str, units: &[&str]) -> bool {
    let mut after_letter = false;
    text.char_indices().any(|(at, character)| {
        let free = !after_letter && units.iter().any(|unit| starts_with_word(&text[at..], unit));
        after_letter = character.is_alphabetic();
        free
    })
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        && !text[word.len()..].starts_with(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn speeds() {
        for (text, kmh) in [
            ("80", 80),
            ("080", 80),
            ("80.5", 81),
            ("80,25", 80),
            ("80.49", 80),
            ("80.50", 81),
            ("80,5", 81),
            ("1", 1),
            ("0.5", 1),
            ("300", 300),
            ("300.49", 300),
            ("000000000000000000000000000080", 80),
            ("100 (100) KM/H", 100),
            ("100 (100.00) 100,0", 100),
            ("80 / ٨٠", 80),
            ("SPEED-80", 80),
            ("SPEED -80", 80),
            ("(-80)", 80),
            ("80-", 80),
            ("80.", 80),
            ("80..", 80),
            (".80", 80),
            ("..80,.", 80),
            ("80 K.P.H.", 80),
            ("80K.P.H.", 80),
            ("80KM/H", 80),
            ("MAX-110", 110),
            ("SET AT 110 KM/H", 110),
            ("٨٠ KM/H", 80),
            ("۱۲۰", 120),
            ("٨٠.٥", 81),
            ("8٠", 80),
        ] {
            assert_eq!(parse(text), Ok(kmh), "{text:?}");
        }
    }

    #[test]
    fn miles() {
        for (text, kmh) in [
            ("60mph", 97),
            ("60 MPH", 97),
            ("60 Mi/H", 97),
            ("1 mile", 2),
            ("50 miles/h", 80),
            ("50 Miles per hour", 80),
            ("(50)mph.", 80),
            ("mph 50", 80),
            ("mph50", 80),
            ("٥٠mph", 80),
            ("186 mph", 299),
            // 0.31 × 1.609344 = 0.49889664, 0.32 × 1.609344 = 0.51499008
            ("0.32 mph", 1),
            ("80kmph", 80),
            ("80 kmph", 80),
            ("80 smile", 80),
            ("80 milestone", 80),
            ("80 mi/hr", 80),
            ("80 mi", 80),
            ("80 m.p.h.", 80),
            ("80 mphé", 80),
            ("80 mp\u{2115}", 80),
            // Neither unit is both: `kmx` and `skm` are words of their own, and K.P.H. is none.
            ("50 mph kmx skm K.P.H.", 80),
            ("80 كmph", 80),
        ] {
            assert_eq!(parse(text), Ok(kmh), "{text:?}");
        }
        assert_eq!(parse("0.31 mph"), Err(NotASpeed::TooSlow));
        assert_eq!(parse("187 mph"), Err(NotASpeed::TooFast));
    }

    #[test]
    fn not_one_speed() {
        use NotASpeed::{Negative, NoNumber, SeveralValues, TooFast, TooSlow, TwoUnits};
        for (text, why) in [
            ("UNKNOWN", NoNumber),
            ("K.P.H.", NoNumber),
            ("८०", NoNumber),
            ("８０", NoNumber),
            ("120/80", SeveralValues),
            ("80 80.01", SeveralValues),
            ("80-100", SeveralValues),
            ("60 mph (97 km/h)", SeveralValues),
            ("٨٠٫٥", SeveralValues),
            ("8e1", SeveralValues),
            ("80 kmph, 80 mph", TwoUnits),
            ("80km mile", TwoUnits),
            ("80 MPH KM", TwoUnits),
            ("kph80mi/h", TwoUnits),
            ("-80", Negative),
            ("-80 mph km/h", Negative),
            ("- 80", Negative),
            ("--80", Negative),
            ("\u{2212}80", Negative),
            ("-0", Negative),
            ("0", TooSlow),
            ("0.49", TooSlow),
            ("301", TooFast),
            ("300.5", TooFast),
            ("300,50", TooFast),
            ("999 KM/H", TooFast),
            ("99999999999999999999999999999999999999999999999999", TooFast),
            ("99999999999999999999999999999999999999999999999.99 mph", TooFast),
        ] {
            assert_eq!(parse(text), Err(why), "{text:?}");
        }
        for (text, number) in [
            ("1,200", "1,200"),
            ("8.0.1", "8.0.1"),
            ("80.123", "80.123"),
            ("80,,5", "80,,5"),
            ("80.,0 km", "80.,0"),
            ("1,200.50.", "1,200.50"),
            ("80 80.000", "80.000"),
        ] {
            assert_eq!(parse(text), Err(NotASpeed::NotANumber(number.into())), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_a_speed_in_range_or_none(text in "\\PC*|[-0-9., kmphKMPHilesMILES/٠-٩۰-۹]{0,24}") {
            if let Ok(kmh) = parse(text.trim()) {
                prop_assert!((1..=300).contains(&kmh));
            }
        }

        #[test]
        fn arabic_digits_change_nothing(text in "[-0-9., kmphilesMPH/]{0,16}") {
            for zero in ['\u{660}', '\u{6F0}'] {
                let arabic: String = text.chars().map(|c| digit(c).map_or(c, |digit| {
                    char::from_u32(u32::from(zero) + digit).unwrap()
                })).collect();
                prop_assert_eq!(parse(&text).ok(), parse(&arabic).ok());
            }
        }

        #[test]
        fn rounding_is_half_up(hundredths in 50_u32..30_050) {
            let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            prop_assert_eq!(u32::try_from(parse(&text).unwrap()).unwrap(), (hundredths + 50) / 100);
        }
    }
}
