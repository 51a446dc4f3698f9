use certferry_certificate::Code;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

/// What to do about certificates that failed with a code, in one or two sentences.
pub(crate) fn remedy(code: &str) -> &'static str {
    let code: StrDeserializer<'_, Error> = code.into_deserializer();
    Code::deserialize(code).map_or("Written by another version of Certferry; see its documentation.", remedy_of)
}

fn remedy_of(code: Code) -> &'static str {
    match code {
        Code::MissingDevice => {
            "Add the device with this ECU number to the new system, or correct the ECU number in the old one; then retry."
        }
        Code::MissingUserMapping => {
            "Add the user to the new system and to user_mappings.json, import the mappings again; then retry."
        }
        Code::MissingCustomerMapping => {
            "The old system has no such customer (or creating is turned off): correct the customer of the certificate, \
             or map it in customer_mappings.json; then retry."
        }
        Code::MissingTechnicianMapping => {
            "The old system has no such technician (or creating is turned off): correct the technician of the \
             certificate, or map it in technicians_mapping.json; then retry."
        }
        Code::DanglingMapping => {
            "The mapping leads to an id the new system does not have: restore that row there, or correct the mapping; \
             then retry."
        }
        Code::MissingField => "Fill in the field in the old system; then retry.",
        Code::InvalidText => {
            "Remove the NUL character or the broken text from the field in the old system; then retry."
        }
        Code::InvalidDate => "Correct the date in the old system, for example to 2024-12-31; then retry.",
        Code::InvalidDateOrder => "Correct the issue or the expiry date in the old system; then retry.",
        Code::InvalidSpeed => "Correct the speed in the old system to one number of 1 to 300 km/h; then retry.",
        Code::UnknownStatus => {
            "Correct the status in the old system, or add the word to [status] in the configuration; then retry."
        }
        Code::CertificateNotFound => {
            "The old system no longer has the certificate: nothing to migrate, or restore it there."
        }
        Code::UniqueViolation => {
            "The new system has a certificate with this number already: decide which one is right, change the other; \
             then retry."
        }
        Code::ForeignKeyViolation => {
            "Something the certificate refers to was removed from the new system meanwhile: restore it; then retry."
        }
        Code::CheckViolation | Code::ConstraintViolation => {
            "A rule of the new system's database refuses a value: correct the value in the old system or the rule; \
             then retry."
        }
        Code::ValueTooLong => "Shorten the value in the old system, or widen the column in the new one; then retry.",
        Code::Connection | Code::Timeout | Code::Deadlock | Code::Serialization | Code::Unavailable => {
            "The database was in trouble for longer than the attempts lasted: once it is well, retry."
        }
        Code::Panic | Code::Unexpected => "A mistake in Certferry itself: report it with the worker's log; then retry.",
        Code::AttemptsExhausted => {
            "The worker died each time it had this certificate (out of memory, killed): see its log; then retry."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_advice() {
        for code in Code::ALL {
            assert_eq!(remedy(code.as_str()), remedy_of(*code), "{}", code.as_str());
        }
        assert!(remedy("from_the_future").contains("another version"));
    }
}
