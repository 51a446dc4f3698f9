//! From the values of a row, all of them text, to a legacy record.

use certferry_certificate::{LegacyCertificate, LegacyCustomer, LegacyTechnician, LegacyText, OldId};

/// The values of one row, taken in the order of [`crate::Entity::columns`].
struct Values(std::vec::IntoIter<LegacyText>);

impl Values {
    fn text(&mut self) -> LegacyText {
        self.0.next().unwrap_or_default()
    }

    fn integer(&mut self) -> Option<i64> {
        match self.text() {
            LegacyText::Text(text) => integer(&text),
            LegacyText::Null | LegacyText::Undecodable => None,
        }
    }

    fn id(&mut self) -> Option<OldId> {
        self.integer().map(OldId)
    }
}

/// An integer as any engine writes it, whatever its column's type: `12`, `12.00` of a DECIMAL, `true` of a BOOLEAN.
/// What is no integer or not within BIGINT is `None`, as if it were NULL: it refers to nothing.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    match text {
        "true" | "t" => return Some(1),
        "false" | "f" => return Some(0),
        _ => {}
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.bytes().all(|digit| digit == b'0') { whole.parse().ok() } else { None }
}

/// A certificate; `None` when the row has no id.
pub(crate) fn certificate(row: Vec<LegacyText>) -> Option<LegacyCertificate> {
    let mut values = Values(row.into_iter());
    Some(LegacyCertificate {
        id: values.id()?,
        certificate_number: values.text(),
        ecu_number: values.text(),
        customer_id: values.id(),
        user_id: values.id(),
        calibration_technician_id: values.id(),
        installation_technician_id: values.id(),
        vehicle_type: values.text(),
        vehicle_chassis_number: values.text(),
        vehicle_registration_number: values.text(),
        new_registration: values.integer(),
        speed: values.text(),
        status: values.text(),
        issue_date: values.text(),
        expiry_date: values.text(),
        calibration_date: values.text(),
        installation_date: values.text(),
        remarks: values.text(),
    })
}

/// A customer; `None` when the row has no id.
pub(crate) fn customer(row: Vec<LegacyText>) -> Option<LegacyCustomer> {
    let mut values = Values(row.into_iter());
    Some(LegacyCustomer {
        id: values.id()?,
        name: values.text(),
        trade_license: values.text(),
        email: values.text(),
        phone: values.text(),
    })
}

/// A technician; `None` when the row has no id.
pub(crate) fn technician(row: Vec<LegacyText>) -> Option<LegacyTechnician> {
    let mut values = Values(row.into_iter());
    Some(LegacyTechnician { id: values.id()?, name: values.text(), phone: values.text(), user_id: values.id() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Entity;

    #[test]
    fn integers_of_any_type_are_read() {
        for (text, value) in [
            ("12", Some(12)),
            (" -12 ", Some(-12)),
            ("12.00", Some(12)),
            ("12.", Some(12)),
            ("t", Some(1)),
            ("false", Some(0)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("12.5", None),
            ("1e3", None),
            ("twelve", None),
            ("", None),
        ] {
            assert_eq!(integer(text), value, "{text:?}");
        }
    }

    /// Each column's own name as its value must come out in the field of that name.
    #[test]
    fn every_column_goes_to_its_field() {
        let row = |entity: Entity| -> Vec<LegacyText> {
            let number = |at: usize| at.to_string();
            let names = entity.columns().iter().enumerate();
            let is_number = |name: &str| name == "id" || name.ends_with("_id") || name == "new_registration";
            names.map(|(at, name)| if is_number(name) { number(at).as_str().into() } else { (*name).into() }).collect()
        };
        let certificate = certificate(row(Entity::Certificates)).expect("it has an id");
        let LegacyCertificate {
            id: OldId(0),
            certificate_number,
            ecu_number,
            customer_id: Some(OldId(3)),
            user_id: Some(OldId(4)),
            calibration_technician_id: Some(OldId(5)),
            installation_technician_id: Some(OldId(6)),
            vehicle_type,
            vehicle_chassis_number,
            vehicle_registration_number,
            new_registration: Some(10),
            speed,
            status,
            issue_date,
            expiry_date,
            calibration_date,
            installation_date,
            remarks,
        } = certificate
        else {
            panic!("a number is in the wrong field: {certificate:?}")
        };
        let texts = [
            (certificate_number, "certificate_number"),
            (ecu_number, "ecu_number"),
            (vehicle_type, "vehicle_type"),
            (vehicle_chassis_number, "vehicle_chassis_number"),
            (vehicle_registration_number, "vehicle_registration_number"),
            (speed, "speed"),
            (status, "status"),
            (issue_date, "issue_date"),
            (expiry_date, "expiry_date"),
            (calibration_date, "calibration_date"),
            (installation_date, "installation_date"),
            (remarks, "remarks"),
        ];
        for (text, name) in texts {
            assert_eq!(text, name.into());
        }
        assert_eq!(
            customer(row(Entity::Customers)),
            Some(LegacyCustomer {
                id: OldId(0),
                name: "name".into(),
                trade_license: "trade_license".into(),
                email: "email".into(),
                phone: "phone".into(),
            })
        );
        assert_eq!(
            technician(row(Entity::Technicians)),
            Some(LegacyTechnician {
                id: OldId(0),
                name: "name".into(),
                phone: "phone".into(),
                user_id: Some(OldId(3))
            })
        );
    }

    proptest! {
        #[test]
        fn every_bigint_is_read_back(value: i64) {
            prop_assert_eq!(integer(&value.to_string()), Some(value));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            integer(&text);
        }
    }
}
