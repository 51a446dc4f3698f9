//! `rules.md`, Vehicle: brand and model out of one text, and when there is no vehicle at all.

use crate::reference::whole_number;
use crate::text::{Reading, quote};
use crate::{LegacyCertificate, LegacyText, Limits, Policy, VehiclePlan, Warning, WarningCode};

/// The vehicle of a certificate, with a warning where its registration is unclear, or the warning that says why there
/// is none.
pub(crate) fn plan(
    record: &LegacyCertificate,
    limits: &Limits,
    policy: &Policy,
) -> Result<(VehiclePlan, Option<Warning>), Warning> {
    let vehicle_type = match Reading::of(&record.vehicle_type) {
        Reading::Missing => {
            let message = "vehicle_type is missing, so the certificate has no vehicle".to_owned();
            return Err(Warning { code: WarningCode::VehicleMissing, message });
        }
        reading => readable("vehicle_type", reading)?,
    };
    let optional = |column, text| match Reading::of(text) {
        Reading::Missing => Ok(None),
        reading => readable(column, reading).map(|text| Some(text.to_owned())),
    };
    let chassis_number = optional("vehicle_chassis_number", &record.vehicle_chassis_number)?;
    let registration_number = optional("vehicle_registration_number", &record.vehicle_registration_number)?;
    let (brand, model) = brand_and_model(vehicle_type, &policy.brands);
    for (column, text) in [
        ("brand", Some(&brand)),
        ("model", Some(&model)),
        ("chassis_number", chassis_number.as_ref()),
        ("registration_number", registration_number.as_ref()),
    ] {
        if let (Some(text), Some(limit)) = (text, limits.of("vehicles", column))
            && let length = text.chars().count()
            && length > limit
        {
            return Err(not_created(&format!("its {column} has {length} characters, the destination holds {limit}")));
        }
    }
    let is_new_registration = is_new_registration(&record.new_registration);
    let warning = is_new_registration.is_none().then(|| unclear(&record.new_registration));
    let is_new_registration = is_new_registration.unwrap_or(false);
    Ok((VehiclePlan { brand, model, chassis_number, registration_number, is_new_registration }, warning))
}

fn readable<'a>(column: &str, reading: Reading<'a>) -> Result<&'a str, Warning> {
    reading.text().ok_or_else(|| not_created(&format!("its {column} has a NUL character or is no text")))
}

fn not_created(why: &str) -> Warning {
    let message = format!("the certificate goes without its vehicle: {why}");
    Warning { code: WarningCode::VehicleNotCreated, message }
}

/// What `new_registration` says; `None` when it is neither yes nor no. The numbers may be written as any numeric column
/// writes them (`1.00`), and a missing value is no.
fn is_new_registration(value: &LegacyText) -> Option<bool> {
    match Reading::of(value) {
        Reading::Missing => Some(false),
        Reading::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Reading::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Reading::Text(text) => match whole_number(text) {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Reading::Nul(_) | Reading::Undecodable => None,
    }
}

fn unclear(value: &LegacyText) -> Warning {
    let shown = value.as_str().map_or_else(|| "bytes that are no text".to_owned(), quote);
    let message = format!("new_registration is {shown}, neither 1 or true nor 0 or false: taken as false");
    Warning { code: WarningCode::NewRegistrationUnclear, message }
}

/// The longest listed brand that a vehicle type begins with, or its first word; and the rest, or the brand again.
fn brand_and_model(vehicle_type: &str, brands: &[String]) -> (String, String) {
    let longest = brands.iter().filter_map(|brand| words_of_prefix(vehicle_type, brand)).max();
    let mut words = vehicle_type.split_whitespace();
    let brand = join(words.by_ref().take(longest.unwrap_or(1).max(1)), vehicle_type.len());
    let model = join(words, vehicle_type.len());
    if model.is_empty() { (brand.clone(), brand) } else { (brand, model) }
}

/// How many words a brand has, if the text begins with exactly these words in any case.
fn words_of_prefix(text: &str, brand: &str) -> Option<usize> {
    let mut words = text.split_whitespace();
    let begins =
        brand.split_whitespace().all(|listed| words.next().is_some_and(|word| word.eq_ignore_ascii_case(listed)));
    begins.then(|| brand.split_whitespace().count())
}

fn join<'a>(words: impl Iterator<Item = &'a str>, capacity: usize) -> String {
    words.fold(String::with_capacity(capacity), |mut joined, word| {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
        joined
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, brands: &[&str]) -> (String, String) {
        brand_and_model(text, &brands.iter().map(|&brand| brand.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_brand_is_the_first_word() {
        for (text, brand, model) in [
            ("TOYOTA HIACE", "TOYOTA", "HIACE"),
            ("TOYOTA   HIACE", "TOYOTA", "HIACE"),
            ("HIACE", "HIACE", "HIACE"),
            ("ASHOK LEYLAND FALCON", "ASHOK", "LEYLAND FALCON"),
            ("MAN\tTGS \u{a0} 33.400", "MAN", "TGS 33.400"),
            ("Mercedes-Benz Actros", "Mercedes-Benz", "Actros"),
            ("تويوتا هايس", "تويوتا", "هايس"),
            ("- X", "-", "X"),
        ] {
            assert_eq!(split(text, &[]), (brand.to_owned(), model.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn the_longest_listed_brand_wins() {
        let brands = ["ashok", "Ashok  Leyland", "KING LONG", " ", "HIGER BUS COMPANY", "ŠKODA auto"];
        for (text, brand, model) in [
            ("ASHOK LEYLAND FALCON", "ASHOK LEYLAND", "FALCON"),
            ("ashok   leyland", "ashok leyland", "ashok leyland"),
            ("ASHOK", "ASHOK", "ASHOK"),
            ("ASHOK LEYLANDER", "ASHOK", "LEYLANDER"),
            ("KING LONG XMQ6127  A", "KING LONG", "XMQ6127 A"),
            ("KING LONGX", "KING", "LONGX"),
            ("HIGER BUS", "HIGER", "BUS"),
            ("ŠKODA AUTO 5", "ŠKODA AUTO", "5"),
            // Case is that of ASCII letters: to anything else it matters.
            ("šKODA AUTO 5", "šKODA", "AUTO 5"),
            ("\u{212A}ING LONG 5", "\u{212A}ING", "LONG 5"),
            ("TATA KING LONG", "TATA", "KING LONG"),
        ] {
            assert_eq!(split(text, &brands), (brand.to_owned(), model.to_owned()), "{text:?}");
        }
    }
}
