//! The rules of `rules.md`, rule by rule, on one certificate.

use crate::sample::{
    DANGLING, MAPPED, NEW, NOWHERE, UNMAPPED, UNMAPPED_TOO, certificate, customer_of, lookups, narrow, technician,
    technician_of,
};
use certferry_certificate::{
    Code, CustomerPlan, Found, Identity, Issue, LegacyCertificate, LegacyText, Lookups, Needs, NewCustomer, NewId,
    NewTechnician, OldId, OnMissing, Outcome, Plan, Policy, Reference, Status, TechnicianPlan, VehiclePlan,
    WarningCode, identity, plan, violations,
};

pub(crate) fn migrated(record: &LegacyCertificate, lookups: &Lookups, policy: &Policy) -> Plan {
    match plan(record, lookups, policy) {
        Outcome::Migrate(plan) => {
            assert_eq!(violations(record, &plan), Vec::<String>::new());
            *plan
        }
        Outcome::Fail(issues) => panic!("{issues:?}"),
    }
}

pub(crate) fn failed(record: &LegacyCertificate, lookups: &Lookups, policy: &Policy) -> Vec<Issue> {
    match plan(record, lookups, policy) {
        Outcome::Migrate(plan) => panic!("{plan:?}"),
        Outcome::Fail(issues) => issues,
    }
}

/// The codes and fields of a failed certificate; no field is `null`.
pub(crate) fn reasons(record: &LegacyCertificate, lookups: &Lookups) -> Vec<String> {
    let issues = failed(record, lookups, &Policy::default());
    issues.iter().map(|i| format!("{} {}", i.code.as_str(), i.field.as_deref().unwrap_or("null"))).collect()
}

pub(crate) fn changed(change: impl FnOnce(&mut LegacyCertificate)) -> LegacyCertificate {
    let mut record = certificate();
    change(&mut record);
    record
}

#[test]
fn a_certificate_without_an_issue() {
    let plan = migrated(&certificate(), &lookups(), &Policy::default());
    let expected = Plan {
        id: OldId(77),
        certificate_number: "SLC/2020/1".to_owned(),
        device_id: NewId(50),
        customer: CustomerPlan::Existing(NewId(MAPPED.0 + NEW)),
        user_id: NewId(MAPPED.0 + NEW),
        calibration_technician: Some(TechnicianPlan::Existing(NewId(MAPPED.0 + NEW))),
        installation_technician: None,
        speed_limit_kmh: 80,
        status: Status::Blocked,
        issued_at: "2020-03-04T20:00:00Z".parse().unwrap(),
        expires_at: Some("2021-03-04T20:00:00Z".parse().unwrap()),
        calibrated_at: Some("2020-03-04T20:00:00Z".parse().unwrap()),
        installed_at: None,
        remarks: Some("Seal replaced".to_owned()),
        vehicle: Some(VehiclePlan {
            brand: "TOYOTA".to_owned(),
            model: "HIACE VAN".to_owned(),
            chassis_number: Some("CH1".to_owned()),
            registration_number: None,
            is_new_registration: true,
        }),
        warnings: vec![],
    };
    assert_eq!(plan, expected);
}

#[test]
fn every_required_value_can_be_missing() {
    let empty = LegacyCertificate {
        id: OldId(78),
        certificate_number: LegacyText::Null,
        ecu_number: " ".into(),
        customer_id: Reference::Missing,
        user_id: Reference::Missing,
        calibration_technician_id: Reference::Missing,
        installation_technician_id: Reference::Missing,
        vehicle_type: LegacyText::Null,
        vehicle_chassis_number: LegacyText::Null,
        vehicle_registration_number: LegacyText::Null,
        new_registration: LegacyText::Null,
        speed: "N/A".into(),
        status: "none".into(),
        issue_date: "0000-00-00 00:00:00".into(),
        expiry_date: "nil".into(),
        calibration_date: "--".into(),
        installation_date: "0000-00-00".into(),
        remarks: "-".into(),
    };
    let fields = ["certificate_number", "ecu_number", "customer_id", "user_id", "speed", "status", "issue_date"];
    assert_eq!(reasons(&empty, &lookups()), fields.map(|field| format!("missing_field {field}")));
    assert_eq!(identity(&empty), Identity::default());
    assert_eq!(Needs::of(&empty), Needs::default());
}

#[test]
fn every_optional_value_can_be_missing() {
    let record = changed(|r| {
        r.calibration_technician_id = Reference::Missing;
        r.vehicle_chassis_number = "".into();
        r.new_registration = LegacyText::Null;
        r.expiry_date = "0000-00-00T00:00:00Z".into();
        r.calibration_date = " N/A ".into();
        r.installation_date = "٠٠٠٠-٠٠-٠٠".into();
        r.remarks = "NULL".into();
    });
    let plan = migrated(&record, &lookups(), &Policy::default());
    assert_eq!((plan.expires_at, plan.calibrated_at, plan.installed_at, plan.remarks), (None, None, None, None));
    assert_eq!(plan.calibration_technician, None);
    let vehicle = plan.vehicle.unwrap();
    assert_eq!((vehicle.chassis_number, vehicle.is_new_registration), (None, false));
}

#[test]
fn all_issues_are_found_together_and_sorted() {
    let record = changed(|r| {
        r.certificate_number = "S\0".into();
        r.ecu_number = "NOPE".into();
        r.customer_id = Reference::Id(NOWHERE);
        r.user_id = Reference::Id(DANGLING);
        r.calibration_technician_id = Reference::Id(NOWHERE);
        r.installation_technician_id = Reference::Id(NOWHERE);
        r.speed = "120/80".into();
        r.status = "???".into();
        r.issue_date = "TBA".into();
        r.expiry_date = "2021-13-01".into();
        r.calibration_date = "\0".into();
        r.installation_date = "12/25/2020".into();
        r.remarks = LegacyText::Undecodable;
    });
    let expected = [
        "missing_device ecu_number",
        "missing_customer_mapping customer_id",
        "missing_technician_mapping calibration_technician_id",
        "missing_technician_mapping installation_technician_id",
        "dangling_mapping user_id",
        "invalid_text certificate_number",
        "invalid_text calibration_date",
        "invalid_text remarks",
        "invalid_date issue_date",
        "invalid_date expiry_date",
        "invalid_date installation_date",
        "invalid_speed speed",
        "unknown_status status",
    ];
    assert_eq!(reasons(&record, &lookups()), expected);
}

#[test]
fn a_message_says_which_value_and_what_is_accepted() {
    let message = |change: fn(&mut LegacyCertificate)| {
        failed(&changed(change), &lookups(), &Policy::default()).swap_remove(0).message
    };
    for (change, part) in [
        (
            (|r| r.speed = "120/80".into()) as fn(&mut LegacyCertificate),
            r#"speed "120/80" is not one speed of 1 to 300"#,
        ),
        (|r| r.speed = "N/A".into(), r#"speed is required, and "N/A" counts as missing"#),
        (|r| r.speed = LegacyText::Null, "speed is required and missing"),
        (|r| r.status = "???".into(), r#"status "???" is not in the status table, which has active, blocked,"#),
        (|r| r.issue_date = "TBA".into(), r#"issue_date "TBA" is not a date: accepted are YYYY-MM-DD"#),
        (|r| r.expiry_date = "2021-13-01".into(), "there is no such day"),
        (|r| r.ecu_number = "NOPE".into(), r#"no device with the ECU number "NOPE""#),
        (|r| r.ecu_number = "\0E".into(), r#"ecu_number "\0E" has a NUL character"#),
        (|r| r.user_id = Reference::Id(DANGLING), "user 2 is mapped to 10002, which the destination does not have"),
        (|r| r.customer_id = Reference::Id(NOWHERE), "customer 5 is not mapped, and the source does not have it"),
    ] {
        let message = message(change);
        assert!(message.contains(part), "{message:?} says nothing of {part:?}");
    }
    let long = failed(&changed(|r| r.speed = "x".repeat(10_000).as_str().into()), &lookups(), &Policy::default());
    assert!(long[0].message.len() < 200, "{}", long[0].message);
}

#[test]
fn a_device_is_matched_trimmed_and_otherwise_exactly() {
    assert_eq!(migrated(&certificate(), &lookups(), &Policy::default()).device_id, NewId(50));
    for other in ["ecu1", "ECU 1", "ECU1.", "ECU١"] {
        let record = changed(|r| r.ecu_number = other.into());
        assert_eq!(reasons(&record, &lookups()), ["missing_device ecu_number"], "{other}");
    }
}

#[test]
fn what_a_batch_looks_up_is_what_is_planned_with() {
    let record = changed(|r| r.installation_technician_id = Reference::Id(UNMAPPED));
    let needs = Needs {
        ecu_number: Some("ECU1"),
        user: Some(MAPPED),
        customer: Some(MAPPED),
        technicians: [Some(MAPPED), Some(UNMAPPED)],
    };
    assert_eq!(Needs::of(&record), needs);
    assert_eq!(Needs::of(&changed(|r| r.ecu_number = "E\0".into())).ecu_number, None);
    assert_eq!(Needs::of(&changed(|r| r.ecu_number = LegacyText::Undecodable)).ecu_number, None);
}

#[test]
fn an_identity_is_trimmed_and_readable() {
    let known = |number: Option<&str>, ecu: Option<&str>| Identity {
        certificate_number: number.map(str::to_owned),
        ecu_number: ecu.map(str::to_owned),
    };
    assert_eq!(identity(&certificate()), known(Some("SLC/2020/1"), Some("ECU1")));
    assert_eq!(identity(&changed(|r| r.certificate_number = "n/a".into())), known(None, Some("ECU1")));
    assert_eq!(identity(&changed(|r| r.ecu_number = "E\0".into())), known(Some("SLC/2020/1"), None));
    assert_eq!(identity(&changed(|r| r.certificate_number = LegacyText::Undecodable)), known(None, Some("ECU1")));
}

#[test]
fn expiry_before_issue() {
    let order = |issue: &str, expiry: &str| {
        let record = changed(|r| (r.issue_date, r.expiry_date) = (issue.into(), expiry.into()));
        match plan(&record, &lookups(), &Policy::default()) {
            Outcome::Migrate(_) => vec![],
            Outcome::Fail(_) => reasons(&record, &lookups()),
        }
    };
    let wrong = ["invalid_date_order expiry_date"];
    assert_eq!(order("2020-01-01", "2019-12-31"), wrong);
    assert_eq!(order("2020-01-01 00:00:00.000001", "2020-01-01"), wrong);
    assert_eq!(order("2020-01-01T10:00:00Z", "2020-01-01T13:59:59+04:00"), wrong);
    assert!(order("2020-01-01", "2020-01-01").is_empty());
    assert!(order("2020-01-01T10:00:00Z", "2020-01-01 14:00").is_empty());
    // Equal once they are cut to microseconds.
    assert!(order("2020-01-01 00:00:00.0000019", "2020-01-01 00:00:00.0000011").is_empty());
    assert_eq!(order("TBA", "2019-12-31"), ["invalid_date issue_date"]);
    assert_eq!(order("0000-00-00", "2019-12-31"), ["missing_field issue_date"]);
}

#[test]
fn the_zone_is_configurable() {
    let policy = Policy { timezone: chrono_tz::UTC, ..Policy::default() };
    let plan = migrated(&certificate(), &lookups(), &policy);
    assert_eq!(plan.issued_at, "2020-03-05T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
}

#[test]
fn a_vehicle_left_out_is_a_warning() {
    let limited = Lookups { limits: narrow().into_iter().collect(), ..lookups() };
    for (change, warning) in [
        ((|r| r.vehicle_type = LegacyText::Null) as fn(&mut LegacyCertificate), WarningCode::VehicleMissing),
        (|r| r.vehicle_type = " N/A ".into(), WarningCode::VehicleMissing),
        (|r| (r.vehicle_type, r.vehicle_chassis_number) = ("".into(), "\0".into()), WarningCode::VehicleMissing),
        (|r| r.vehicle_type = "A\0".into(), WarningCode::VehicleNotCreated),
        (|r| r.vehicle_type = LegacyText::Undecodable, WarningCode::VehicleNotCreated),
        (|r| r.vehicle_chassis_number = "\0".into(), WarningCode::VehicleNotCreated),
        (|r| r.vehicle_registration_number = "DXB\0".into(), WarningCode::VehicleNotCreated),
        (|r| r.vehicle_registration_number = LegacyText::Undecodable, WarningCode::VehicleNotCreated),
        (|r| r.vehicle_type = "ABCDEFGHI X".into(), WarningCode::VehicleNotCreated),
        (|r| r.vehicle_type = "A 01234567890".into(), WarningCode::VehicleNotCreated),
        (|r| r.vehicle_chassis_number = "0123456".into(), WarningCode::VehicleNotCreated),
        (|r| r.vehicle_registration_number = "0123456".into(), WarningCode::VehicleNotCreated),
    ] {
        let record = changed(change);
        let plan = migrated(&record, &limited, &Policy::default());
        assert_eq!(plan.vehicle, None, "{record:?}");
        assert_eq!(plan.warnings.iter().map(|w| w.code).collect::<Vec<_>>(), [warning], "{record:?}");
        assert!(!plan.warnings[0].message.contains('\0'));
    }
    let fits = changed(|r| {
        r.vehicle_type = "ABCDEFGH  0123  56789".into();
        r.vehicle_registration_number = "دبي 12".into();
    });
    assert!(migrated(&fits, &limited, &Policy::default()).vehicle.is_some());
    for (new_registration, expected) in [("", false), ("0", false), ("1", true), ("true", true)] {
        let record = changed(|r| r.new_registration = new_registration.into());
        assert_eq!(migrated(&record, &lookups(), &Policy::default()).vehicle.unwrap().is_new_registration, expected);
    }
}

#[test]
fn an_unmapped_customer_is_matched_or_created() {
    let record = changed(|r| r.customer_id = Reference::Id(UNMAPPED));
    let expected = NewCustomer {
        old_id: UNMAPPED,
        name: "Falcon LLC".to_owned(),
        trade_license: Some("CN-1".to_owned()),
        email: None,
        phone: Some("050".to_owned()),
    };
    let plan = migrated(&record, &lookups(), &Policy::default());
    assert_eq!(plan.customer, CustomerPlan::MatchOrCreate(expected));
}

#[test]
fn customers_that_cannot_be() {
    let with = |change: fn(&mut certferry_certificate::LegacyCustomer)| {
        let mut lookups = lookups();
        change(customer_of(&mut lookups));
        reasons(&changed(|r| r.customer_id = Reference::Id(UNMAPPED)), &lookups)
    };
    assert_eq!(with(|c| c.name = " - ".into()), ["missing_field customer.name"]);
    assert_eq!(with(|c| c.name = "A\0".into()), ["invalid_text customer.name"]);
    assert_eq!(with(|c| c.trade_license = "n/a\0".into()), ["invalid_text customer.trade_license"]);
    assert_eq!(with(|c| c.email = LegacyText::Undecodable), ["invalid_text customer.email"]);
    assert_eq!(
        with(|c| (c.email, c.phone) = ("\0".into(), "\0".into())),
        ["invalid_text customer.email", "invalid_text customer.phone"]
    );
    let of = |id| reasons(&changed(|r| r.customer_id = id), &lookups());
    assert_eq!(of(Reference::Missing), ["missing_field customer_id"]);
    assert_eq!(of(Reference::Placeholder("n/a".to_owned())), ["missing_field customer_id"]);
    assert_eq!(of(Reference::Id(DANGLING)), ["dangling_mapping customer_id"]);
    assert_eq!(of(Reference::Id(NOWHERE)), ["missing_customer_mapping customer_id"]);
}

#[test]
fn an_unmapped_technician_is_created_under_its_user() {
    let record = changed(|r| r.installation_technician_id = Reference::Id(UNMAPPED));
    let expected =
        NewTechnician { old_id: UNMAPPED, user_id: NewId(MAPPED.0 + NEW), name: "Imran".to_owned(), phone: None };
    let plan = migrated(&record, &lookups(), &Policy::default());
    assert_eq!(plan.installation_technician, Some(TechnicianPlan::Create(expected)));
}

#[test]
fn technicians_that_cannot_be() {
    let with = |change: fn(&mut certferry_certificate::LegacyTechnician)| {
        let mut lookups = lookups();
        for id in [UNMAPPED, UNMAPPED_TOO] {
            change(technician_of(&mut lookups, id));
        }
        let both = changed(|r| {
            (r.calibration_technician_id, r.installation_technician_id) =
                (Reference::Id(UNMAPPED), Reference::Id(UNMAPPED_TOO));
        });
        reasons(&both, &lookups)
    };
    assert_eq!(with(|t| t.name = "nil".into()), ["missing_field technician.name"]);
    assert_eq!(with(|t| t.name = "\0".into()), ["invalid_text technician.name"]);
    assert_eq!(with(|t| t.phone = "\0".into()), ["invalid_text technician.phone"]);
    assert_eq!(with(|t| t.user_id = Reference::Missing), ["missing_field technician.user_id"]);
    assert_eq!(with(|t| t.user_id = Reference::Id(NOWHERE)), ["missing_user_mapping technician.user_id"]);
    assert_eq!(with(|t| t.user_id = Reference::Id(DANGLING)), ["dangling_mapping technician.user_id"]);
    assert_eq!(
        with(|t| (t.user_id, t.name) = (Reference::Id(NOWHERE), LegacyText::Null)),
        ["missing_user_mapping technician.user_id", "missing_field technician.name"]
    );
    let of = |id| reasons(&changed(|r| r.calibration_technician_id = Reference::Id(id)), &lookups());
    assert_eq!(of(DANGLING), ["dangling_mapping calibration_technician_id"]);
    assert_eq!(of(NOWHERE), ["missing_technician_mapping calibration_technician_id"]);
}

#[test]
fn two_bad_technicians_are_both_named_in_one_issue() {
    let mut lookups = lookups();
    lookups.legacy_technicians = [UNMAPPED, UNMAPPED_TOO]
        .map(|id| {
            (
                id,
                Found::One(certferry_certificate::LegacyTechnician {
                    user_id: Reference::Id(NOWHERE),
                    ..technician(id)
                }),
            )
        })
        .into();
    let record = changed(|r| {
        (r.calibration_technician_id, r.installation_technician_id) =
            (Reference::Id(UNMAPPED), Reference::Id(UNMAPPED_TOO));
    });
    let issues = failed(&record, &lookups, &Policy::default());
    assert_eq!(issues.len(), 1);
    assert!(issues[0].message.contains("technician 3") && issues[0].message.contains("technician 4"));
    let same = changed(|r| {
        (r.calibration_technician_id, r.installation_technician_id) =
            (Reference::Id(UNMAPPED), Reference::Id(UNMAPPED));
    });
    assert_eq!(failed(&same, &lookups, &Policy::default())[0].message.matches("technician 3").count(), 1);
}

#[test]
fn a_mapping_decides_before_the_legacy_row() {
    let mut lookups = lookups();
    lookups.customers.insert(UNMAPPED, lookups.customers[&MAPPED]);
    lookups.technicians.insert(UNMAPPED, lookups.technicians[&MAPPED]);
    customer_of(&mut lookups).name = "\0".into();
    technician_of(&mut lookups, UNMAPPED).user_id = Reference::Missing;
    let record =
        changed(|r| (r.customer_id, r.calibration_technician_id) = (Reference::Id(UNMAPPED), Reference::Id(UNMAPPED)));
    let plan = migrated(&record, &lookups, &Policy::default());
    assert_eq!(plan.customer, CustomerPlan::Existing(NewId(MAPPED.0 + NEW)));
    assert_eq!(plan.calibration_technician, Some(TechnicianPlan::Existing(NewId(MAPPED.0 + NEW))));
}

#[test]
fn creating_can_be_turned_off_for_each_entity() {
    let record =
        changed(|r| (r.customer_id, r.installation_technician_id) = (Reference::Id(UNMAPPED), Reference::Id(UNMAPPED)));
    let codes = |customers, technicians| match plan(
        &record,
        &lookups(),
        &Policy { customers, technicians, ..Policy::default() },
    ) {
        Outcome::Migrate(_) => vec![],
        Outcome::Fail(issues) => issues.into_iter().map(|issue| (issue.code, issue.field.unwrap())).collect(),
    };
    let customer = (Code::MissingCustomerMapping, "customer_id".to_owned());
    let technician = (Code::MissingTechnicianMapping, "installation_technician_id".to_owned());
    assert_eq!(codes(OnMissing::Create, OnMissing::Create), []);
    assert_eq!(codes(OnMissing::Fail, OnMissing::Create), std::slice::from_ref(&customer));
    assert_eq!(codes(OnMissing::Create, OnMissing::Fail), std::slice::from_ref(&technician));
    assert_eq!(codes(OnMissing::Fail, OnMissing::Fail), [customer, technician]);
    // What is mapped is not touched by it.
    let policy = Policy { customers: OnMissing::Fail, technicians: OnMissing::Fail, ..Policy::default() };
    migrated(&certificate(), &lookups(), &policy);
}

#[test]
fn text_that_the_destination_cannot_hold() {
    let lookups = |change: fn(&mut Lookups)| {
        let mut lookups = Lookups { limits: narrow().into_iter().collect(), ..lookups() };
        change(&mut lookups);
        lookups
    };
    let nothing = |_: &mut Lookups| {};
    let long = changed(|r| {
        r.certificate_number = " 0123456789123 ".into();
        r.remarks = "012345678901234567890".into();
    });
    assert_eq!(reasons(&long, &lookups(nothing)), ["value_too_long certificate_number", "value_too_long remarks"]);
    let fits = changed(|r| {
        r.certificate_number = "  012345678912  ".into();
        r.remarks = " تمت المعايرة تمت اا ".into();
    });
    migrated(&fits, &lookups(nothing), &Policy::default());

    let unmapped =
        changed(|r| (r.customer_id, r.calibration_technician_id) = (Reference::Id(UNMAPPED), Reference::Id(UNMAPPED)));
    migrated(&unmapped, &lookups(nothing), &Policy::default());
    let too_long = lookups(|l| {
        let customer = customer_of(l);
        customer.name = "a customer of this name".into();
        customer.email = "someone@example".into();
        customer.trade_license = LegacyText::Null;
        technician_of(l, UNMAPPED).name = "technician".into();
    });
    assert_eq!(
        reasons(&unmapped, &too_long),
        ["value_too_long customer.name", "value_too_long customer.email", "value_too_long technician.name"]
    );
    // Nothing a message says is about a person.
    let messages: String =
        failed(&unmapped, &too_long, &Policy::default()).into_iter().map(|issue| issue.message).collect();
    assert!(!messages.contains("a customer of") && !messages.contains("someone"));
    let license = lookups(|l| customer_of(l).trade_license = "CN-1234".into());
    assert_eq!(reasons(&unmapped, &license), ["value_too_long customer.trade_license"]);
    // Of a customer that is there already by its trade licence nothing is written, so nothing of it can be too long.
    let there = lookups(|l| {
        customer_of(l).name = "a customer of this name".into();
        l.customers_by_trade_license = [("CN-1".to_owned(), Found::One(NewId(60)))].into();
    });
    migrated(&unmapped, &there, &Policy::default());
}
