//! From the values of a row, all of them text, to a legacy record.

use certferry_certificate::{LegacyCertificate, LegacyCustomer, LegacyTechnician, LegacyText, OldId, Reference};

/// The values of one row, taken in the order of [`crate::Entity::columns`].
struct Values(std::vec::IntoIter<LegacyText>);

impl Values {
    fn text(&mut self) -> LegacyText {
        self.0.next().unwrap_or_default()
    }

    fn reference(&mut self) -> Reference {
        Reference::of(&self.text())
    }

    /// The row's own id.
    fn id(&mut self) -> Option<OldId> {
        self.reference().id()
    }
}

/// A certificate; `None` when the row has no id that can be read.
pub(crate) fn certificate(row: Vec<LegacyText>) -> Option<LegacyCertificate> {
    let mut values = Values(row.into_iter());
    Some(LegacyCertificate {
        id: values.id()?,
        certificate_number: values.text(),
        ecu_number: values.text(),
        customer_id: values.reference(),
        user_id: values.reference(),
        calibration_technician_id: values.reference(),
        installation_technician_id: values.reference(),
        vehicle_type: values.text(),
        vehicle_chassis_number: values.text(),
        vehicle_registration_number: values.text(),
        new_registration: values.text(),
        speed: values.text(),
        status: values.text(),
        issue_date: values.text(),
        expiry_date: values.text(),
        calibration_date: values.text(),
        installation_date: values.text(),
        remarks: values.text(),
    })
}

/// A customer; `None` when the row has no id that can be read.
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

/// A technician; `None` when the row has no id that can be read.
pub(crate) fn technician(row: Vec<LegacyText>) -> Option<LegacyTechnician> {
    let mut values = Values(row.into_iter());
    Some(LegacyTechnician { id: values.id()?, name: values.text(), phone: values.text(), user_id: values.reference() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entity;

    /// Each column's own name as its value must come out in the field of that name.
    #[test]
    fn every_column_goes_to_its_field() {
        let row = |entity: Entity| -> Vec<LegacyText> {
            let number = |at: usize| at.to_string();
            let names = entity.columns().iter().enumerate();
            let is_number = |name: &str| name == "id" || name.ends_with("_id");
            names.map(|(at, name)| if is_number(name) { number(at).as_str().into() } else { (*name).into() }).collect()
        };
        let certificate = certificate(row(Entity::Certificates)).expect("it has an id");
        let LegacyCertificate {
            id: OldId(0),
            certificate_number,
            ecu_number,
            customer_id: Reference::Id(OldId(3)),
            user_id: Reference::Id(OldId(4)),
            calibration_technician_id: Reference::Id(OldId(5)),
            installation_technician_id: Reference::Id(OldId(6)),
            vehicle_type,
            vehicle_chassis_number,
            vehicle_registration_number,
            new_registration,
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
            (new_registration, "new_registration"),
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
                user_id: Reference::Id(OldId(3))
            })
        );
    }
}
