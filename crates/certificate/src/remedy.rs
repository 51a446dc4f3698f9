use crate::Code;

/// What to do about certificates that failed with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// In a few words, for a line of a terminal.
    pub in_short: &'static str,
    /// In one or two sentences, for a report.
    pub in_full: &'static str,
}

impl Remedy {
    /// For a code as it is stored; another version may have written it.
    #[must_use]
    pub fn of(code: &str) -> Self {
        Code::ALL.iter().find(|known| known.as_str() == code).map_or(
            Self {
                in_short: "see the documentation of a newer Certferry",
                in_full: "Written by another version of Certferry; see its documentation.",
            },
            |code| code.remedy(),
        )
    }
}

impl Code {
    /// What to do about certificates that failed with it.
    #[must_use]
    pub const fn remedy(self) -> Remedy {
        let (in_short, in_full) = match self {
            Self::MissingDevice => (
                "add the device to the destination, or correct the ECU number",
                "Add the device with this ECU number to the new system, or correct the ECU number in the old one; then \
                 retry.",
            ),
            Self::AmbiguousDevice => (
                "let one device alone have the ECU number",
                "Several devices of the new system have this ECU number: correct or remove all but one; then retry.",
            ),
            Self::MissingUserMapping => (
                "map the user in user_mappings.json and import it",
                "Add the user to the new system and to user_mappings.json, import the mappings again; then retry.",
            ),
            Self::MissingCustomerMapping => (
                "correct the customer in the source, or map it",
                "The old system has no such customer (or creating is turned off): correct the customer of the \
                 certificate, or map it in customer_mappings.json; then retry.",
            ),
            Self::AmbiguousCustomer => (
                "map the customer, or leave its trade licence to one alone",
                "Several customers of the new system have this customer's trade licence: say which one it is in \
                 customer_mappings.json and import it, or join them into one; then retry.",
            ),
            Self::MissingTechnicianMapping => (
                "correct the technician in the source, or map it",
                "The old system has no such technician (or creating is turned off): correct the technician of the \
                 certificate, or map it in technicians_mapping.json; then retry.",
            ),
            Self::DanglingMapping => (
                "add the mapped row to the destination, or correct the mapping",
                "The mapping leads to an id the new system does not have: restore that row there, or correct the \
                 mapping; then retry.",
            ),
            Self::MissingField => {
                ("fill the field in, in the source", "Fill in the field in the old system; then retry.")
            }
            Self::InvalidText => (
                "remove NUL characters or broken text in the source",
                "Remove the NUL character or the broken text from the field in the old system; then retry.",
            ),
            Self::InvalidId => (
                "correct the reference in the source, or the repeated id",
                "Correct the reference in the old system to the id of a row there, or empty it; where several rows have \
                 one id, give each its own; then retry.",
            ),
            Self::InvalidDate => (
                "correct the date in the source",
                "Correct the date in the old system, for example to 2024-12-31; then retry.",
            ),
            Self::InvalidDateOrder => (
                "correct the issue or the expiry date in the source",
                "Correct the issue or the expiry date in the old system; then retry.",
            ),
            Self::InvalidSpeed => (
                "correct the speed in the source",
                "Correct the speed in the old system to one number of 1 to 300 km/h; then retry.",
            ),
            Self::UnknownStatus => (
                "correct the status in the source, or add the word to [status]",
                "Correct the status in the old system, or add the word to [status] in the configuration \
                 and use `producer setup --accept-changes`; then retry.",
            ),
            Self::CertificateNotFound => (
                "gone from the source: nothing to do, or restore it",
                "The old system no longer has the certificate: nothing to migrate, or restore it there.",
            ),
            Self::UniqueViolation => (
                "the number is taken: decide which certificate is right",
                "The new system has a certificate with this number already: decide which one is right, change the \
                 other; then retry.",
            ),
            Self::ForeignKeyViolation => (
                "restore the row it refers to in the destination",
                "Something the certificate refers to was removed from the new system meanwhile: restore it; then retry.",
            ),
            Self::CheckViolation | Self::ConstraintViolation => (
                "correct the value in the source, or the destination's rule",
                "A rule of the new system's database refuses a value: correct the value in the old system or the rule; \
                 then retry.",
            ),
            Self::ValueTooLong => (
                "shorten the value in the source, or widen the column",
                "Shorten the value in the old system, or widen the column in the new one; then retry.",
            ),
            Self::Connection | Self::Timeout | Self::Deadlock | Self::Serialization | Self::Unavailable => (
                "see that the databases are well, then retry",
                "The database was in trouble for longer than the attempts lasted: once it is well, retry.",
            ),
            Self::Panic | Self::Unexpected => (
                "please report it with the worker's log",
                "A mistake in Certferry itself: report it with the worker's log; then retry.",
            ),
            Self::AttemptsExhausted => (
                "its workers died: see their logs",
                "The worker died each time it had this certificate (out of memory, killed): see its log; then retry.",
            ),
        };
        Remedy { in_short, in_full }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_advice_that_fits_its_place() {
        for code in Code::ALL {
            let remedy = Remedy::of(code.as_str());
            assert_eq!(remedy, code.remedy());
            assert!(remedy.in_short.len() <= 64, "{}", remedy.in_short);
            assert!(remedy.in_full.ends_with('.'), "{}", remedy.in_full);
        }
        assert!(Remedy::of("from_the_future").in_short.contains("newer"));
    }
}
