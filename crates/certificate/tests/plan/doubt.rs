//! What cannot be read, what is there several times, and the raw values that issues keep.

use crate::rules::{changed, failed, migrated, reasons};
use crate::sample::{NOWHERE, UNMAPPED, customer_of, lookups, technician_of};
use certferry_certificate::{
    Code, CustomerPlan, Found, LegacyCertificate, LegacyText, Lookups, NewId, Policy, Reference,
};

#[test]
fn an_unreadable_reference_is_an_issue_with_its_raw_value() {
    let unreadable = || Reference::of(&" TECH-7".into());
    for (change, field) in [
        ((|r, id| r.customer_id = id) as fn(&mut LegacyCertificate, Reference), "customer_id"),
        (|r, id| r.user_id = id, "user_id"),
        (|r, id| r.calibration_technician_id = id, "calibration_technician_id"),
        (|r, id| r.installation_technician_id = id, "installation_technician_id"),
    ] {
        let issues = failed(&changed(|r| change(r, unreadable())), &lookups(), &Policy::default());
        let shown: Vec<_> = issues.iter().map(|i| (i.code, i.field.as_deref(), i.raw.as_deref())).collect();
        assert_eq!(shown, [(Code::InvalidId, Some(field), Some(" TECH-7"))]);
    }
    let mut lookups = lookups();
    technician_of(&mut lookups, UNMAPPED).user_id = unreadable();
    technician_of(&mut lookups, UNMAPPED).phone = "050\0".into();
    let record = changed(|r| r.calibration_technician_id = Reference::Id(UNMAPPED));
    assert_eq!(reasons(&record, &lookups), ["invalid_text technician.phone", "invalid_id technician.user_id"]);
}

#[test]
fn what_is_there_several_times_cannot_be_told_apart() {
    let several = |change: fn(&mut Lookups)| {
        let mut lookups = lookups();
        change(&mut lookups);
        let record = changed(|r| {
            (r.customer_id, r.calibration_technician_id) = (Reference::Id(UNMAPPED), Reference::Id(UNMAPPED));
        });
        reasons(&record, &lookups)
    };
    assert_eq!(several(|l| l.devices.extend([("ECU1".to_owned(), Found::Several)])), ["ambiguous_device ecu_number"]);
    assert_eq!(several(|l| drop(l.legacy_customers.insert(UNMAPPED, Found::Several))), ["invalid_id customer_id"]);
    assert_eq!(
        several(|l| drop(l.legacy_technicians.insert(UNMAPPED, Found::Several))),
        ["invalid_id calibration_technician_id"]
    );
    let ambiguous = |l: &mut Lookups| l.customers_by_trade_license.extend([("CN-1".to_owned(), Found::Several)]);
    assert_eq!(several(ambiguous), ["ambiguous_customer customer.trade_license"]);
    assert_eq!(
        several(|l| {
            l.customers_by_trade_license.insert("CN-1".to_owned(), Found::Several);
            customer_of(l).name = "".into();
        }),
        ["ambiguous_customer customer.trade_license", "missing_field customer.name"]
    );
}

#[test]
fn a_customer_whose_trade_licence_is_there_is_that_one() {
    let with = |change: fn(&mut certferry_certificate::LegacyCustomer)| {
        let mut lookups = lookups();
        lookups.customers_by_trade_license.insert("CN-1".to_owned(), Found::One(NewId(60)));
        change(customer_of(&mut lookups));
        lookups
    };
    let record = changed(|r| r.customer_id = Reference::Id(UNMAPPED));
    let matched = CustomerPlan::Matched { old_id: UNMAPPED, new_id: NewId(60) };
    for change in [
        (|_| {}) as fn(&mut certferry_certificate::LegacyCustomer),
        // Nothing of the row is written, so nothing of it has to be readable.
        |c| c.name = "A\0".into(),
        |c| (c.email, c.phone) = (LegacyText::Undecodable, "\0".into()),
    ] {
        assert_eq!(migrated(&record, &with(change), &Policy::default()).customer, matched);
    }
    assert_eq!(reasons(&record, &with(|c| c.name = "-".into())), ["missing_field customer.name"]);
    assert_eq!(reasons(&record, &with(|c| c.trade_license = "CN-1\0".into())), ["invalid_text customer.trade_license"]);
}

#[test]
fn every_issue_has_the_raw_value_it_is_about() {
    let record = changed(|r| {
        r.certificate_number = " n/a ".into();
        r.ecu_number = " NOPE ".into();
        r.user_id = Reference::Id(NOWHERE);
        r.speed = " 120/80".into();
        r.status = "a\0".into();
        r.issue_date = LegacyText::Null;
        r.expiry_date = "TBA ".into();
        r.remarks = LegacyText::Undecodable;
    });
    let issues = failed(&record, &lookups(), &Policy::default());
    let raw: Vec<_> = issues.iter().map(|i| (i.field.as_deref().unwrap_or("null"), i.raw.as_deref())).collect();
    assert_eq!(
        raw,
        [
            ("ecu_number", Some(" NOPE ")),
            ("user_id", Some("5")),
            ("certificate_number", Some(" n/a ")),
            ("issue_date", None),
            ("status", Some("a\u{2400}")),
            ("remarks", None),
            ("expiry_date", Some("TBA ")),
            ("speed", Some(" 120/80")),
        ]
    );
}
