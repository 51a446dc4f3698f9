use certferry_certificate::Code;

/// What to do about certificates that failed with a code, in a few words.
pub(super) fn remedy(code: &str) -> &'static str {
    Code::ALL
        .iter()
        .find(|known| known.as_str() == code)
        .map_or("see the documentation of a newer Certferry", |code| of(*code))
}

fn of(code: Code) -> &'static str {
    match code {
        Code::MissingDevice => "add the device to the destination, or correct the ECU number",
        Code::MissingUserMapping => "map the user in user_mappings.json and import it",
        Code::MissingCustomerMapping => "correct the customer in the source, or map it",
        Code::MissingTechnicianMapping => "correct the technician in the source, or map it",
        Code::DanglingMapping => "add the mapped row to the destination, or correct the mapping",
        Code::MissingField => "fill the field in, in the source",
        Code::InvalidText => "remove NUL characters or broken text in the source",
        Code::InvalidDate | Code::InvalidDateOrder => "correct the date in the source",
        Code::InvalidSpeed => "correct the speed in the source",
        Code::UnknownStatus => "correct the status in the source, or add the word to [status]",
        Code::CertificateNotFound => "gone from the source: nothing to do, or restore it",
        Code::UniqueViolation => "the number is taken: decide which certificate is right",
        Code::ForeignKeyViolation => "restore the row it refers to in the destination",
        Code::CheckViolation | Code::ConstraintViolation => {
            "correct the value in the source, or the destination's rule"
        }
        Code::ValueTooLong => "shorten the value in the source, or widen the column",
        Code::Connection | Code::Timeout | Code::Deadlock | Code::Serialization | Code::Unavailable => {
            "see that the databases are well, then retry"
        }
        Code::Panic | Code::Unexpected => "please report it with the worker's log",
        Code::AttemptsExhausted => "its workers died: see their logs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_advice_that_fits_a_line() {
        for code in Code::ALL {
            let advice = remedy(code.as_str());
            assert_eq!(advice, of(*code));
            assert!(advice.len() <= 64, "{advice}");
        }
        assert!(remedy("from_the_future").contains("newer"));
    }
}
