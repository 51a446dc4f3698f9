use certferry_certificate::{CustomerPlan, Identity, NewCustomer, NewId, NewTechnician, OldId, Status, TechnicianPlan};
use chrono::DateTime;

use super::*;

fn plan(id: i64, number: &str, customer: CustomerPlan, technician: Option<i64>) -> Prepared {
    let create = |old_id| {
        TechnicianPlan::Create(NewTechnician {
            old_id: OldId(old_id),
            user_id: NewId(1),
            name: "T".to_owned(),
            phone: None,
        })
    };
    let plan = Plan {
        id: OldId(id),
        certificate_number: number.to_owned(),
        device_id: NewId(1),
        customer,
        user_id: NewId(1),
        calibration_technician: technician.map(create),
        installation_technician: technician.map(create),
        speed_limit_kmh: 80,
        status: Status::Active,
        issued_at: DateTime::UNIX_EPOCH,
        expires_at: None,
        calibrated_at: None,
        installed_at: None,
        remarks: None,
        vehicle: None,
        warnings: vec![certferry_certificate::Warning { code: WarningCode::VehicleMissing, message: String::new() }],
    };
    let identity = Identity { certificate_number: Some(number.to_owned()), ecu_number: None };
    Prepared { id: OldId(id), record: None, identity, outcome: Outcome::Migrate(Box::new(plan)), number_holder: None }
}

fn new_customer(old_id: i64, trade_license: Option<&str>) -> CustomerPlan {
    CustomerPlan::MatchOrCreate(NewCustomer {
        old_id: OldId(old_id),
        name: "C".to_owned(),
        trade_license: trade_license.map(str::to_owned),
        email: None,
        phone: None,
    })
}

fn failing(id: i64, number: &str, issues: Vec<Issue>) -> Prepared {
    let identity = Identity { certificate_number: Some(number.to_owned()), ecu_number: None };
    Prepared { id: OldId(id), record: None, identity, outcome: Outcome::Fail(issues), number_holder: None }
}

fn missing_user(id: i64) -> Issue {
    let mut issue = Issue::new(Code::MissingUserMapping, Some("user_id"), "why").with_raw(Some(&id.to_string()));
    issue.about.push(OldId(id));
    issue
}

fn assess(certificates: &[Prepared]) -> Assessment {
    let mut assessor = Assessor::default();
    for certificate in certificates {
        assessor.add(certificate);
    }
    assessor.finish().0
}

#[test]
fn each_person_is_created_once_and_one_trade_license_is_one_customer() {
    let existing = CustomerPlan::Existing(NewId(1));
    let matched = CustomerPlan::Matched { old_id: OldId(5), new_id: NewId(9) };
    let found = assess(&[
        plan(1, "1", new_customer(1, Some("CN-1")), Some(7)),
        plan(2, "2", new_customer(1, Some("CN-1")), Some(7)),
        plan(3, "3", new_customer(2, Some("CN-1")), Some(8)),
        plan(4, "4", new_customer(3, None), None),
        plan(5, "5", new_customer(4, None), None),
        plan(6, "6", matched.clone(), None),
        plan(7, "7", matched, None),
        plan(8, "8", existing, None),
    ]);
    assert_eq!(found.would_create, WouldCreate { customers: 3, technicians: 2 });
    assert_eq!(found.would_match_customers, 2);
    assert_eq!(found.warnings, [(WarningCode::VehicleMissing, 8)].into());
}

#[test]
fn of_certificates_with_one_number_the_first_is_migrated_and_the_others_create_nobody() {
    let found = assess(&[
        failing(1, "N", vec![missing_user(115)]),
        plan(2, "N", new_customer(1, None), None),
        plan(3, "N", new_customer(2, None), Some(7)),
        plan(4, "M", new_customer(3, None), None),
    ]);
    assert_eq!((found.would_migrate, found.would_fail), (2, 2));
    assert_eq!(found.by_code, [(Code::MissingUserMapping, 1), (Code::UniqueViolation, 1)].into());
    assert_eq!(found.by_field, [("certificate_number".to_owned(), 1), ("user_id".to_owned(), 1)].into());
    assert_eq!(found.by_kind, [(Kind::Mapping, 1), (Kind::Database, 1)].into());
    assert_eq!(found.would_create, WouldCreate { customers: 2, technicians: 0 });
    assert_eq!(found.warnings[&WarningCode::VehicleMissing], 2, "warnings are those of migrated certificates");
    let whats: Vec<&str> = found.fixes.iter().map(|fix| fix.what.as_str()).collect();
    assert_eq!(whats, ["decide who has the number \"N\""], "mapping user 115 would migrate no more certificates");
}

#[test]
fn a_certificate_whose_number_the_destination_has_is_not_resolved_by_another_fix() {
    let mut taken = failing(1, "N", vec![missing_user(115)]);
    taken.number_holder = Some(NewId(3));
    let found = assess(&[taken, failing(2, "M", vec![missing_user(115)])]);
    assert_eq!((found.fixes[0].what.as_str(), found.fixes[0].certificates), ("map user 115", 2));
    assert_eq!((found.fixes[0].would_migrate, found.fixes[0].would_migrate_alone), (1, 1));
    assert_eq!(found.by_code, [(Code::MissingUserMapping, 2)].into());
}

#[test]
fn five_samples_are_kept_of_each_reason_and_their_values_cut() {
    let long = "é".repeat(500);
    let bad = |id| {
        let speed = Issue::new(Code::InvalidSpeed, Some("speed"), "why").with_raw(Some(&long));
        failing(id, &id.to_string(), vec![missing_user(id), speed])
    };
    let found = assess(&(1..=9).map(bad).collect::<Vec<_>>());
    let [first, second] = &found.reasons[..] else { panic!("{:?}", found.reasons) };
    assert_eq!((first.code, first.certificates, first.touched), (Code::MissingUserMapping, 9, 9));
    assert_eq!((second.code, second.certificates, second.touched), (Code::InvalidSpeed, 0, 9));
    let ids: Vec<i64> = second.samples.iter().map(|sample| sample.certificate_id.0).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    assert_eq!(second.samples[0].raw.as_deref().map(|raw| raw.chars().count()), Some(121));
}

#[test]
fn a_share_is_never_rounded_up_to_all() {
    assert_eq!(percent(999_999, 1_000_000), Some(99.9));
    assert_eq!((percent(0, 0), percent(1, 1), percent(1, 3)), (None, Some(100.0), Some(33.3)));
}

#[test]
fn the_document_has_the_keys_of_the_contract() {
    let found = assess(&[failing(1, "N", vec![missing_user(115)]), plan(2, "M", new_customer(1, None), None)]);
    let document = serde_json::to_value(&found).unwrap();
    assert_eq!(document["by_code"], serde_json::json!({"missing_user_mapping": 1}));
    assert_eq!(document["warnings"], serde_json::json!({"vehicle_missing": 1}));
    assert_eq!(document["would_create"], serde_json::json!({"customers": 1, "technicians": 0}));
    assert_eq!(document["fixes"][0]["code"], "missing_user_mapping");
    assert_eq!(document["fixes_resolve_percent"], 100.0);
}
