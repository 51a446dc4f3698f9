//! What would have to be mended for certificates to be migrated, each such thing once.

use std::fmt;

use certferry_certificate::{Code, Issue, OldId};

/// How much of a legacy value the words of a fix show.
const SHOWN: usize = 60;

/// One thing that keeps certificates from being migrated. Mending it takes the issue away from all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cause {
    /// A user, customer or technician without a mapping, or whose legacy row is not as it must be: once it is mapped, its
    /// row does not matter.
    Person(Entity, OldId),
    /// A mapping that leads to a row the destination does not have.
    Dangling(Entity, OldId),
    /// An ECU number that no device has, or several.
    Device(Code, String),
    /// A word that is not in the status table.
    Word(String),
    /// A value of a column, the same in each of the certificates.
    Value(Code, String, String),
    /// A column of certificates in which each has a value of its own, or none.
    Column(Code, String),
    /// A certificate number that is taken.
    Number(String),
    /// Something that nobody can mend in the source, the mappings or the configuration.
    Beyond,
}

/// Whom a mapping is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Entity {
    User,
    Customer,
    Technician,
}

impl Entity {
    /// Whose row or mapping an issue of this field is about.
    fn of(issue: &Issue) -> Self {
        match (issue.code, issue.field.as_deref().unwrap_or_default()) {
            (Code::MissingUserMapping, _) | (Code::DanglingMapping, "technician.user_id") | (_, "user_id") => {
                Self::User
            }
            (_, field) if field.starts_with("customer") => Self::Customer,
            _ => Self::Technician,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Customer => "customer",
            Self::Technician => "technician",
        }
    }
}

impl Cause {
    /// The causes of an issue, all of which must be mended for it to go.
    pub(super) fn of(issue: &Issue) -> Vec<Self> {
        let field = || issue.field.clone().unwrap_or_default();
        let raw = || issue.raw.clone().unwrap_or_default();
        let trimmed = || raw().trim().to_owned();
        let each = |cause: fn(Entity, OldId) -> Self| {
            issue.about.iter().map(|id| cause(Entity::of(issue), *id)).collect::<Vec<_>>()
        };
        match issue.code {
            Code::DanglingMapping if !issue.about.is_empty() => each(Self::Dangling),
            Code::MissingUserMapping
            | Code::MissingCustomerMapping
            | Code::MissingTechnicianMapping
            | Code::AmbiguousCustomer
            | Code::MissingField
            | Code::InvalidText
            | Code::InvalidId
                if !issue.about.is_empty() =>
            {
                each(Self::Person)
            }
            Code::MissingDevice | Code::AmbiguousDevice => vec![Self::Device(issue.code, trimmed())],
            Code::UnknownStatus => vec![Self::Word(trimmed().to_ascii_lowercase())],
            Code::InvalidId | Code::InvalidDate | Code::InvalidSpeed if issue.raw.is_some() => {
                vec![Self::Value(issue.code, field(), raw())]
            }
            Code::MissingField
            | Code::InvalidText
            | Code::InvalidId
            | Code::InvalidDate
            | Code::InvalidSpeed
            | Code::InvalidDateOrder
            | Code::ValueTooLong => vec![Self::Column(issue.code, field())],
            Code::UniqueViolation => vec![Self::Number(raw())],
            _ => vec![Self::Beyond],
        }
    }

    /// How many bytes it takes beside its own size.
    pub(super) fn text_len(&self) -> usize {
        match self {
            Self::Device(_, text) | Self::Word(text) | Self::Number(text) | Self::Column(_, text) => text.len(),
            Self::Value(_, field, raw) => field.len() + raw.len(),
            Self::Person(..) | Self::Dangling(..) | Self::Beyond => 0,
        }
    }
}

impl fmt::Display for Cause {
    /// What to do about it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(entity, id) => write!(f, "map {} {id}", entity.as_str()),
            Self::Dangling(entity, id) => write!(f, "correct the mapping of {} {id}", entity.as_str()),
            Self::Device(Code::AmbiguousDevice, ecu) => write!(f, "let one device alone be {}", quoted(ecu)),
            Self::Device(_, ecu) => write!(f, "add the device {}", quoted(ecu)),
            Self::Word(word) => write!(f, "add the status {} to [status]", quoted(word)),
            Self::Value(_, field, raw) => write!(f, "correct the {field} {}", quoted(raw)),
            Self::Column(Code::MissingField, field) => write!(f, "fill in {field}, each its own"),
            Self::Column(Code::ValueTooLong, field) => write!(f, "shorten {field}, or widen its column"),
            Self::Column(Code::InvalidDateOrder, field) => write!(f, "correct {field} or issue_date, each its own"),
            Self::Column(_, field) => write!(f, "correct {field}, each its own"),
            Self::Number(number) => write!(f, "decide who has the number {}", quoted(number)),
            Self::Beyond => f.write_str("report it"),
        }
    }
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(code: Code, field: &str, raw: Option<&str>, about: &[i64]) -> Issue {
        let mut issue = Issue::new(code, Some(field), "why").with_raw(raw);
        issue.about = about.iter().map(|id| OldId(*id)).collect();
        issue
    }

    fn fixes(issue: &Issue) -> String {
        Cause::of(issue).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn one_user_is_one_cause_wherever_he_is_missing() {
        let own = issue(Code::MissingUserMapping, "user_id", Some("115"), &[115]);
        let of_technician = issue(Code::MissingUserMapping, "technician.user_id", Some("115"), &[115, 116]);
        assert_eq!(Cause::of(&own), Cause::of(&of_technician)[..1]);
        assert_eq!(fixes(&of_technician), "map user 115; map user 116");
    }

    #[test]
    fn each_cause_says_what_to_do() {
        for (code, field, raw, about, fix) in [
            (Code::MissingCustomerMapping, "customer_id", Some("7"), &[7][..], "map customer 7"),
            (Code::AmbiguousCustomer, "customer.trade_license", Some("CN-1"), &[7], "map customer 7"),
            (Code::MissingField, "customer.name", None, &[7], "map customer 7"),
            (Code::InvalidId, "customer_id", Some("7"), &[7], "map customer 7"),
            (Code::InvalidText, "technician.name", Some("x"), &[5], "map technician 5"),
            (Code::InvalidId, "technician.user_id", Some("X"), &[5], "map technician 5"),
            (Code::MissingTechnicianMapping, "installation_technician_id", Some("5"), &[5], "map technician 5"),
            (Code::DanglingMapping, "technician.user_id", Some("9"), &[9], "correct the mapping of user 9"),
            (
                Code::DanglingMapping,
                "calibration_technician_id",
                Some("9"),
                &[9],
                "correct the mapping of technician 9",
            ),
            (Code::MissingDevice, "ecu_number", Some(" ECU1 "), &[], r#"add the device "ECU1""#),
            (Code::AmbiguousDevice, "ecu_number", Some("ECU1"), &[], r#"let one device alone be "ECU1""#),
            (Code::UnknownStatus, "status", Some(" Expired"), &[], r#"add the status "expired" to [status]"#),
            (Code::InvalidDate, "issue_date", Some("TBA"), &[], r#"correct the issue_date "TBA""#),
            (Code::InvalidId, "customer_id", Some("C-7"), &[], r#"correct the customer_id "C-7""#),
            (Code::InvalidId, "user_id", None, &[], "correct user_id, each its own"),
            (Code::MissingField, "speed", Some("N/A"), &[], "fill in speed, each its own"),
            (Code::InvalidDateOrder, "expiry_date", Some("x"), &[], "correct expiry_date or issue_date, each its own"),
            (Code::ValueTooLong, "customer.name", Some("x"), &[7], "shorten customer.name, or widen its column"),
            (Code::UniqueViolation, "certificate_number", Some("N-1"), &[], r#"decide who has the number "N-1""#),
            (Code::Panic, "", None, &[], "report it"),
        ] {
            assert_eq!(fixes(&issue(code, field, raw, about)), fix, "{code:?}");
        }
        let long = fixes(&issue(Code::InvalidSpeed, "speed", Some(&"é".repeat(100)), &[]));
        assert_eq!(long, format!("correct the speed \"{}…\"", "é".repeat(60)));
    }

    #[test]
    fn every_code_has_a_cause() {
        for code in Code::ALL {
            for about in [&[][..], &[1]] {
                for raw in [None, Some("raw")] {
                    let issue = issue(*code, "user_id", raw, about);
                    assert!(!Cause::of(&issue).is_empty(), "{code:?}");
                }
            }
        }
    }
}
