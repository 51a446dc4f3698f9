//! The page of the rules: each example in `docs/rules.md` comes out as the page says.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;

use certferry_certificate::{
    Code, Found, LegacyCertificate, LegacyText, Lookups, Mapped, NewId, OldId, Outcome, Plan, Policy, Reference, plan,
    violations,
};
use chrono::SecondsFormat;

fn certificate() -> LegacyCertificate {
    LegacyCertificate {
        id: OldId(1),
        certificate_number: "SLC/1".into(),
        ecu_number: "ECU1".into(),
        customer_id: Reference::Id(OldId(1)),
        user_id: Reference::Id(OldId(1)),
        calibration_technician_id: Reference::Missing,
        installation_technician_id: Reference::Missing,
        vehicle_type: "TOYOTA HIACE".into(),
        vehicle_chassis_number: LegacyText::Null,
        vehicle_registration_number: LegacyText::Null,
        new_registration: LegacyText::Null,
        speed: "80".into(),
        status: "active".into(),
        issue_date: "2020-01-01".into(),
        expiry_date: LegacyText::Null,
        calibration_date: LegacyText::Null,
        installation_date: LegacyText::Null,
        remarks: LegacyText::Null,
    }
}

/// What is shown of a planned certificate, or the only issue's code.
fn outcome(record: &LegacyCertificate, shown: impl Fn(&Plan) -> String) -> String {
    let mapping = || HashMap::from([(OldId(1), Mapped { new_id: NewId(1), exists: true })]);
    let lookups = Lookups {
        devices: [("ECU1".to_owned(), Found::One(NewId(1)))].into(),
        users: mapping(),
        customers: mapping(),
        ..Lookups::default()
    };
    match plan(record, &lookups, &Policy::default()) {
        Outcome::Migrate(plan) => {
            assert_eq!(violations(record, &plan), Vec::<String>::new(), "{record:?}");
            shown(&plan)
        }
        Outcome::Fail(issues) => {
            let codes: Vec<&str> = issues.iter().map(|issue| issue.code.as_str()).collect();
            codes.join(" ")
        }
    }
}

fn warned(plan: &Plan) -> Option<String> {
    plan.warnings.first().map(|warning| serde_json::to_value(warning.code).unwrap().as_str().unwrap().to_owned())
}

/// What the value comes to in its table.
fn result(table: &str, value: LegacyText) -> String {
    match table {
        "reference" => match Reference::of(&value) {
            Reference::Missing | Reference::Placeholder(_) => "missing".to_owned(),
            Reference::Id(id) => id.to_string(),
            Reference::Unreadable(_) => "unreadable".to_owned(),
        },
        "speed" => {
            outcome(&LegacyCertificate { speed: value, ..certificate() }, |plan| plan.speed_limit_kmh.to_string())
        }
        "status" => {
            outcome(&LegacyCertificate { status: value, ..certificate() }, |plan| plan.status.as_str().to_owned())
        }
        "date" => outcome(&LegacyCertificate { calibration_date: value, ..certificate() }, |plan| {
            plan.calibrated_at
                .map_or("missing".to_owned(), |instant| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        }),
        "vehicle_type" => outcome(&LegacyCertificate { vehicle_type: value, ..certificate() }, |plan| {
            let vehicle = plan.vehicle.as_ref().map(|vehicle| format!("`{:?}` `{:?}`", vehicle.brand, vehicle.model));
            warned(plan).or(vehicle).unwrap()
        }),
        "new_registration" => outcome(&LegacyCertificate { new_registration: value, ..certificate() }, |plan| {
            let is_new_registration = plan.vehicle.as_ref().unwrap().is_new_registration;
            assert!(plan.warnings.is_empty() || !is_new_registration);
            warned(plan).unwrap_or_else(|| is_new_registration.to_string())
        }),
        other => panic!("the page has examples of {other}, which nothing here knows how to try"),
    }
}

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md")).unwrap()
}

fn value(cell: &str) -> LegacyText {
    match cell.trim_matches('`') {
        "NULL" => LegacyText::Null,
        "bytes" => LegacyText::Undecodable,
        text => LegacyText::Text(serde_json::from_str(text).unwrap_or_else(|why| panic!("{cell}: {why}"))),
    }
}

#[test]
fn every_example_of_the_page_comes_out_as_it_says() {
    let mut examples: HashMap<String, usize> = HashMap::new();
    let mut table: Option<String> = None;
    let mut wrong = Vec::new();
    for line in page().lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, first, second, _] = cells.as_slice() else {
            table = None;
            continue;
        };
        if let Some(name) = first.strip_prefix("example: ") {
            table = Some(name.to_owned());
        } else if let Some(table) = table.as_ref().filter(|_| *first != "---") {
            let found = result(table, value(first));
            if found != *second {
                wrong.push(format!("{table} {first}: the page says {second}, it is {found}"));
            }
            *examples.entry(table.clone()).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (table, least) in
        [("reference", 30), ("speed", 30), ("status", 14), ("date", 40), ("vehicle_type", 9), ("new_registration", 18)]
    {
        assert!(examples.get(table) >= Some(&least), "{table}: {:?} examples", examples.get(table));
    }
}

#[test]
fn the_page_has_every_code_in_order() {
    let page = page();
    let codes = &page[page.find("\n## Issues").unwrap()..];
    let places: Vec<Option<usize>> = Code::ALL.iter().map(|code| codes.find(&format!("`{}`", code.as_str()))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
}
