use proptest::prelude::*;

use super::*;
use crate::{CustomerPlan, LegacyText, PeopleIds, Policy, Reference, StatusTable, StoredVehicle, VehiclePlan, Warning};

/// A column, and how it is changed.
type Change<T> = (&'static str, fn(&mut T));

fn record(remarks: &str) -> LegacyCertificate {
    LegacyCertificate {
        id: OldId(7),
        certificate_number: "SLC/1".into(),
        ecu_number: "ECU".into(),
        customer_id: Reference::Id(OldId(1)),
        user_id: Reference::Id(OldId(2)),
        calibration_technician_id: Reference::Missing,
        installation_technician_id: Reference::Missing,
        vehicle_type: "TOYOTA HIACE".into(),
        vehicle_chassis_number: "CH1".into(),
        vehicle_registration_number: "DXB 1".into(),
        new_registration: "1".into(),
        speed: "80".into(),
        status: "active".into(),
        issue_date: "2020-01-01".into(),
        expiry_date: "2021-01-01".into(),
        calibration_date: "2020-01-02".into(),
        installation_date: "2020-01-03".into(),
        remarks: remarks.into(),
    }
}

fn at(text: &str) -> chrono::DateTime<chrono::Utc> {
    text.parse().expect("an instant")
}

fn plan() -> Plan {
    Plan {
        id: OldId(7),
        certificate_number: "SLC/1".to_owned(),
        device_id: NewId(3),
        customer: CustomerPlan::Existing(NewId(4)),
        user_id: NewId(5),
        calibration_technician: None,
        installation_technician: None,
        speed_limit_kmh: 80,
        status: Status::Active,
        issued_at: at("2019-12-31T20:00:00Z"),
        expires_at: Some(at("2020-12-31T20:00:00Z")),
        calibrated_at: Some(at("2020-01-01T20:00:00Z")),
        installed_at: Some(at("2020-01-02T20:00:00Z")),
        remarks: Some("noted".to_owned()),
        vehicle: Some(VehiclePlan {
            brand: "TOYOTA".to_owned(),
            model: "HIACE".to_owned(),
            chassis_number: Some("CH1".to_owned()),
            registration_number: Some("DXB 1".to_owned()),
            is_new_registration: true,
        }),
        warnings: Vec::new(),
    }
}

fn stored() -> StoredCertificate {
    StoredCertificate {
        certificate_number: Some("SLC/1".to_owned()),
        device_id: Some(3),
        customer_id: Some(4),
        user_id: Some(5),
        calibration_technician_id: None,
        installation_technician_id: None,
        speed_limit_kmh: Some(80),
        status: Some("active".to_owned()),
        issued_at: Some(at("2019-12-31T20:00:00Z")),
        expires_at: Some(at("2020-12-31T20:00:00Z")),
        calibrated_at: Some(at("2020-01-01T20:00:00Z")),
        installed_at: Some(at("2020-01-02T20:00:00Z")),
        remarks: Some("noted".to_owned()),
        vehicle: Some(StoredVehicle {
            brand: Some("TOYOTA".to_owned()),
            model: Some("HIACE".to_owned()),
            chassis_number: Some("CH1".to_owned()),
            registration_number: Some("DXB 1".to_owned()),
            is_new_registration: Some(true),
        }),
    }
}

fn recorded(plan: &Plan) -> Recorded {
    let people = PeopleIds { customer_id: NewId(4), calibration_technician_id: None, installation_technician_id: None };
    let evidence = Evidence::of(&record("noted"), plan, people, plan.vehicle.is_some(), rules());
    Recorded {
        id: OldId(7),
        state: State::Migrated,
        certificate_number: Some("SLC/1".to_owned()),
        ecu_number: Some("ECU".to_owned()),
        new_certificate_id: Some(NewId(11)),
        new_vehicle_id: plan.vehicle.as_ref().map(|_| NewId(12)),
        issues: Vec::new(),
        warnings: plan.warnings.iter().map(|warning| warning.code.as_str().to_owned()).collect(),
        evidence: Some(evidence.to_bytes()),
    }
}

fn present(certificate: StoredCertificate) -> Present {
    let vehicle_of = certificate.vehicle.as_ref().map(|_| 11);
    Present { certificate: Some(certificate), vehicle_of, device_is_blocked: Some(false) }
}

fn rules() -> RulesFingerprint {
    RulesFingerprint::of(&Policy::default())
}

fn comparison() -> Comparison {
    Comparison { editable: ["certificate.remarks".to_owned()].into(), rules: rules() }
}

fn lines(findings: &[Finding]) -> Vec<(Verdict, &str)> {
    findings.iter().map(|finding| (finding.verdict, finding.field.as_deref().unwrap_or_default())).collect()
}

fn found(present: &Present, plan: Plan, remarks: &str) -> Vec<Finding> {
    let (record, outcome) = (record(remarks), Outcome::Migrate(Box::new(plan)));
    comparison().findings(&recorded(&self::plan()), present, Today::Row(&record, &outcome))
}

#[test]
fn what_is_as_it_was_written_matches() {
    assert_eq!(found(&present(stored()), plan(), "noted"), []);
    assert_eq!(found(&present(stored()), plan(), " noted "), [], "the source says the same in other words");
}

#[test]
fn each_column_that_differs_is_named_and_no_other() {
    let changes: [Change<StoredCertificate>; 13] = [
        ("certificate_number", |it| it.certificate_number = Some("SLC/1 ".to_owned())),
        ("device_id", |it| it.device_id = Some(9)),
        ("customer_id", |it| it.customer_id = None),
        ("user_id", |it| it.user_id = Some(9)),
        ("calibration_technician_id", |it| it.calibration_technician_id = Some(9)),
        ("installation_technician_id", |it| it.installation_technician_id = Some(9)),
        ("speed_limit_kmh", |it| it.speed_limit_kmh = Some(81)),
        ("status", |it| it.status = Some("Active".to_owned())),
        ("issued_at", |it| it.issued_at = Some(at("2019-12-31T20:00:00.000001Z"))),
        ("expires_at", |it| it.expires_at = None),
        ("calibrated_at", |it| it.calibrated_at = Some(at("2020-01-02T00:00:00Z"))),
        ("installed_at", |it| it.installed_at = None),
        ("remarks", |it| it.remarks = Some(String::new())),
    ];
    for (column, change) in changes {
        let mut stored = stored();
        change(&mut stored);
        let verdict = if column == "remarks" { Verdict::Edited } else { Verdict::Suspect };
        let findings = found(&present(stored), plan(), "noted");
        assert_eq!(lines(&findings), [(verdict, format!("certificate.{column}").as_str())]);
        assert_eq!(findings[0].new_certificate_id, Some(NewId(11)));
    }
    let changes: [Change<StoredVehicle>; 5] = [
        ("brand", |it| it.brand = Some("ТOYOTA".to_owned())),
        ("model", |it| it.model = None),
        ("chassis_number", |it| it.chassis_number = None),
        ("registration_number", |it| it.registration_number = Some("DXB 2".to_owned())),
        ("is_new_registration", |it| it.is_new_registration = Some(false)),
    ];
    for (column, change) in changes {
        let mut stored = stored();
        change(stored.vehicle.as_mut().expect("a vehicle"));
        let findings = found(&present(stored), plan(), "noted");
        assert_eq!(lines(&findings), [(Verdict::Suspect, format!("vehicle.{column}").as_str())]);
    }
}

#[test]
fn a_plan_that_differs_is_stale_where_the_source_changed_and_else_the_rules_did() {
    let faster = Plan { speed_limit_kmh: 90, ..plan() };
    let field = "certificate.speed_limit_kmh";
    assert_eq!(lines(&found(&present(stored()), faster.clone(), "noted")), [(Verdict::RulesChanged, field)]);
    let findings = found(&present(stored()), faster.clone(), "changed");
    assert_eq!(lines(&findings), [(Verdict::Stale, field)]);
    let Finding { raw, expected, found: there, .. } = &findings[0];
    assert_eq!((raw.as_deref(), expected.as_deref(), there.as_deref()), (Some("80"), Some("90"), Some("80")));
    let edited = |speed| present(StoredCertificate { speed_limit_kmh: Some(speed), ..stored() });
    assert_eq!(lines(&found(&edited(95), faster.clone(), "changed")), [(Verdict::Conflict, field)]);
    assert_eq!(found(&edited(90), faster, "changed"), [], "both changed alike");
}

#[test]
fn a_vehicle_that_vanishes_or_appears_is_told_by_who_made_it() {
    let gone = present(StoredCertificate { vehicle: None, ..stored() });
    let missing = Warning { code: WarningCode::VehicleMissing, message: String::new() };
    let without = Plan { vehicle: None, warnings: vec![missing], ..plan() };
    assert_eq!(lines(&found(&gone, plan(), "noted")), [(Verdict::Missing, "vehicle")]);
    let findings = found(&present(stored()), without.clone(), "changed");
    assert_eq!(lines(&findings), [(Verdict::Stale, "vehicle"), (Verdict::Stale, "status.warnings")]);
    assert_eq!(lines(&found(&gone, without.clone(), "changed")), [(Verdict::Stale, "status.warnings")]);

    // It was refused, and no plan can say so.
    let mut refused = recorded(&without);
    refused.warnings = vec!["vehicle_not_created".to_owned()];
    let findings = |recorded: &Recorded, remarks| {
        let (record, outcome) = (record(remarks), Outcome::Migrate(Box::new(plan())));
        comparison().findings(recorded, &gone, Today::Row(&record, &outcome))
    };
    assert_eq!(findings(&refused, "noted"), []);
    assert!(lines(&findings(&refused, "changed")).contains(&(Verdict::Stale, "vehicle")));
}

#[test]
fn what_the_status_row_says_is_held_against_what_was_kept() {
    let changes: [Change<Recorded>; 4] = [
        ("status.certificate_number", |it| it.certificate_number = None),
        ("status.ecu_number", |it| it.ecu_number = Some("ecu".to_owned())),
        ("status.new_vehicle_id", |it| it.new_vehicle_id = None),
        ("status.warnings", |it| it.warnings = vec!["vehicle_missing".to_owned()]),
    ];
    let (record, outcome) = (record("noted"), Outcome::Migrate(Box::new(plan())));
    let today = Today::Row(&record, &outcome);
    for (field, change) in changes {
        let mut recorded = recorded(&plan());
        change(&mut recorded);
        let findings = comparison().findings(&recorded, &present(stored()), today);
        assert_eq!(lines(&findings), [(Verdict::Suspect, field)]);
    }
    let damaged = Recorded { evidence: Some(vec![9]), ..recorded(&plan()) };
    let findings = comparison().findings(&damaged, &present(stored()), today);
    assert_eq!(lines(&findings), [(Verdict::Suspect, "status.evidence")]);
    let imported = Recorded { evidence: None, ..recorded(&plan()) };
    let other = present(StoredCertificate { speed_limit_kmh: Some(1), ..stored() });
    assert_eq!(comparison().findings(&imported, &other, today), [], "nothing is known of what was written");
    let nothing = Present::default();
    assert_eq!(lines(&comparison().findings(&imported, &nothing, today)), [(Verdict::Missing, "certificate")]);
    assert_eq!(lines(&comparison().findings(&imported, &nothing, Today::Gone)).len(), 2);
}

#[test]
fn a_failed_certificate_stands_as_long_as_its_plan_fails_alike_or_cannot_know() {
    let failed = |code: &str, field: Option<&str>| Recorded {
        state: State::Failed,
        new_certificate_id: None,
        new_vehicle_id: None,
        issues: vec![(code.to_owned(), field.map(str::to_owned))],
        evidence: Some(Evidence::of_failed(&record("noted"), rules()).to_bytes()),
        ..recorded(&plan())
    };
    let speed = Outcome::Fail(vec![crate::Issue::new(crate::Code::InvalidSpeed, Some("speed"), "why")]);
    let fine = Outcome::Migrate(Box::new(plan()));
    let verdicts = |recorded: &Recorded, outcome: &Outcome, remarks: &str| {
        let record = record(remarks);
        comparison().findings(recorded, &Present::default(), Today::Row(&record, outcome)).len()
    };
    assert_eq!(verdicts(&failed("invalid_speed", Some("speed")), &speed, "changed"), 0);
    assert_eq!(verdicts(&failed("invalid_speed", Some("speed")), &fine, "noted"), 1);
    assert_eq!(verdicts(&failed("missing_field", Some("speed")), &speed, "noted"), 1);
    assert_eq!(verdicts(&failed("check_violation", None), &fine, "noted"), 0);
    assert_eq!(verdicts(&failed("check_violation", None), &fine, "changed"), 1);
    assert_eq!(verdicts(&failed("timeout", None), &fine, "noted"), 1);
}

#[test]
fn a_blocked_certificate_needs_a_blocked_device() {
    let blocked = Plan { status: Status::Blocked, ..plan() };
    let there = StoredCertificate { status: Some("blocked".to_owned()), ..stored() };
    let (record, outcome) = (record("noted"), Outcome::Migrate(Box::new(blocked.clone())));
    let today = Today::Row(&record, &outcome);
    let mut present = present(there);
    let findings = comparison().findings(&recorded(&blocked), &present, today);
    assert_eq!(lines(&findings), [(Verdict::Suspect, "device.is_blocked")]);
    present.device_is_blocked = Some(true);
    assert_eq!(comparison().findings(&recorded(&blocked), &present, today), []);
}

#[test]
fn a_changed_status_list_is_another_rule() {
    let mut statuses = StatusTable::default();
    statuses.extend([("expired", Status::Cancelled)]);
    let other = RulesFingerprint::of(&Policy { statuses, ..Policy::default() });
    let comparison = Comparison { rules: other, ..comparison() };
    let (record, outcome) = (record("noted"), Outcome::Migrate(Box::new(plan())));
    let warned = Recorded { warnings: vec!["vehicle_missing".to_owned()], ..recorded(&plan()) };
    let findings = comparison.findings(&warned, &present(stored()), Today::Row(&record, &outcome));
    assert_eq!(lines(&findings), [(Verdict::RulesChanged, "status.warnings")]);
}

proptest! {
    /// The table of `rules.md`, in its own words.
    #[test]
    fn a_verdict_is_that_of_the_table(
        written in 0..3i64, there in 0..3i64, planned in prop::option::of(0..3i64),
        source_changed: bool, is_editable: bool,
    ) {
        let digest = ColumnValue::Integer(written).digest();
        let today = planned.map_or(Planned::Refused, |it| Planned::Value(ColumnValue::Integer(it)));
        let field = if is_editable { "certificate.remarks" } else { "certificate.user_id" };
        let verdict = comparison().judge(&moved(digest, ColumnValue::Integer(there), today), source_changed, field);
        let changed_since = there != written;
        let would_be_another = planned != Some(written);
        let expected = if planned == Some(there) {
            None
        } else if would_be_another && source_changed {
            Some(if changed_since { Verdict::Conflict } else { Verdict::Stale })
        } else if changed_since && !is_editable {
            Some(Verdict::Suspect)
        } else if would_be_another {
            Some(Verdict::RulesChanged)
        } else {
            Some(Verdict::Edited)
        };
        prop_assert_eq!(verdict, expected);
    }

    #[test]
    fn whatever_is_kept_is_read_again(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // Whatever somebody has made of it, it is refused or means what it says.
        if let Some(evidence) = Evidence::parse(&bytes) {
            prop_assert_eq!(evidence.to_bytes(), bytes);
        }
    }
}

#[test]
fn text_that_cannot_be_read_is_no_value() {
    let bad = LegacyCertificate { remarks: LegacyText::Undecodable, ..record("noted") };
    let issue = crate::Issue::new(crate::Code::InvalidText, Some("remarks"), "why");
    let outcome = Outcome::Fail(vec![issue]);
    let findings = comparison().findings(&recorded(&plan()), &present(stored()), Today::Row(&bad, &outcome));
    assert_eq!(lines(&findings), [(Verdict::Stale, "certificate.remarks")]);
}
