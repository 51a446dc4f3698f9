//! A certificate that can be migrated, and lookups in which everything it names is to be found.

use certferry_certificate::{
    Found, LegacyCertificate, LegacyCustomer, LegacyTechnician, LegacyText, Lookups, Mapped, NewId, OldId, Reference,
};

/// Mapped entities lead to themselves plus this.
pub(crate) const NEW: i64 = 10_000;
pub(crate) const MAPPED: OldId = OldId(1);
pub(crate) const DANGLING: OldId = OldId(2);
/// Not mapped, but in the source (customers and technicians).
pub(crate) const UNMAPPED: OldId = OldId(3);
/// Not mapped, another one.
pub(crate) const UNMAPPED_TOO: OldId = OldId(4);
pub(crate) const NOWHERE: OldId = OldId(5);

pub(crate) fn certificate() -> LegacyCertificate {
    LegacyCertificate {
        id: OldId(77),
        certificate_number: " SLC/2020/1 ".into(),
        ecu_number: " ECU1\t".into(),
        customer_id: Reference::Id(MAPPED),
        user_id: Reference::Id(MAPPED),
        calibration_technician_id: Reference::Id(MAPPED),
        installation_technician_id: Reference::Missing,
        vehicle_type: "TOYOTA  HIACE VAN".into(),
        vehicle_chassis_number: " CH1 ".into(),
        vehicle_registration_number: "N/A".into(),
        new_registration: "1".into(),
        speed: "80 KM/H".into(),
        status: "Blocked".into(),
        issue_date: "2020-03-05".into(),
        expiry_date: "05/03/2021".into(),
        calibration_date: "05-Mar-2020".into(),
        installation_date: LegacyText::Null,
        remarks: " Seal replaced ".into(),
    }
}

pub(crate) fn customer() -> LegacyCustomer {
    LegacyCustomer {
        id: UNMAPPED,
        name: " Falcon LLC ".into(),
        trade_license: " CN-1 ".into(),
        email: "n/a".into(),
        phone: " 050 ".into(),
    }
}

pub(crate) fn technician(id: OldId) -> LegacyTechnician {
    LegacyTechnician { id, name: " Imran ".into(), phone: "-".into(), user_id: Reference::Id(MAPPED) }
}

pub(crate) fn lookups() -> Lookups {
    let mapping = || {
        [(MAPPED, true), (DANGLING, false)]
            .map(|(old, exists)| (old, Mapped { new_id: NewId(old.0 + NEW), exists }))
            .into()
    };
    Lookups {
        devices: [("ECU1".to_owned(), Found::One(NewId(50)))].into(),
        users: mapping(),
        customers: mapping(),
        technicians: mapping(),
        legacy_customers: [(UNMAPPED, Found::One(customer()))].into(),
        legacy_technicians: [UNMAPPED, UNMAPPED_TOO].map(|id| (id, Found::One(technician(id)))).into(),
        ..Lookups::default()
    }
}

/// The row of the unmapped customer, to be changed.
pub(crate) fn customer_of(lookups: &mut Lookups) -> &mut LegacyCustomer {
    match lookups.legacy_customers.get_mut(&UNMAPPED) {
        Some(Found::One(customer)) => customer,
        other => panic!("{other:?}"),
    }
}

/// The row of an unmapped technician, to be changed.
pub(crate) fn technician_of(lookups: &mut Lookups, id: OldId) -> &mut LegacyTechnician {
    match lookups.legacy_technicians.get_mut(&id) {
        Some(Found::One(technician)) => technician,
        other => panic!("{other:?}"),
    }
}

/// Limits like those of a destination that is narrower than the reference.
pub(crate) fn narrow() -> Vec<(String, String, usize)> {
    [
        ("certificates", "certificate_number", 12),
        ("certificates", "remarks", 20),
        ("vehicles", "brand", 8),
        ("vehicles", "model", 10),
        ("vehicles", "chassis_number", 6),
        ("vehicles", "registration_number", 6),
        ("customers", "name", 12),
        ("customers", "trade_license", 6),
        ("customers", "email", 6),
        ("customers", "phone", 6),
        ("technicians", "name", 8),
        ("technicians", "phone", 6),
    ]
    .map(|(table, column, limit)| (table.to_owned(), column.to_owned(), limit))
    .into()
}
