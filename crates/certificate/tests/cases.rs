//! The cases: every certificate of `tests/cases` is planned as `expected.jsonl` says.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use certferry_certificate::{
    CustomerPlan, Found, LegacyCertificate, LegacyCustomer, LegacyTechnician, LegacyText, Lookups, Mapped, NewId,
    OldId, Outcome, Plan, Policy, Reference, TechnicianPlan, plan, violations,
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

type Row = HashMap<String, String>;

fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases")).join(name)
}

fn rows(name: &str) -> Vec<Row> {
    csv::Reader::from_path(file(name)).unwrap().deserialize().map(Result::unwrap).collect()
}

fn text(row: &Row, column: &str) -> LegacyText {
    Some(row[column].clone()).filter(|value| value != r"\N").into()
}

fn number(row: &Row, column: &str) -> Option<i64> {
    (row[column] != r"\N").then(|| row[column].parse().unwrap())
}

fn id(row: &Row) -> OldId {
    OldId(number(row, "id").unwrap())
}

fn reference(row: &Row, column: &str) -> Reference {
    Reference::of(&text(row, column))
}

fn certificate(row: &Row) -> LegacyCertificate {
    LegacyCertificate {
        id: id(row),
        certificate_number: text(row, "certificate_number"),
        ecu_number: text(row, "ecu_number"),
        customer_id: reference(row, "customer_id"),
        user_id: reference(row, "user_id"),
        calibration_technician_id: reference(row, "calibration_technician_id"),
        installation_technician_id: reference(row, "installation_technician_id"),
        vehicle_type: text(row, "vehicle_type"),
        vehicle_chassis_number: text(row, "vehicle_chassis_number"),
        vehicle_registration_number: text(row, "vehicle_registration_number"),
        new_registration: text(row, "new_registration"),
        speed: text(row, "speed"),
        status: text(row, "status"),
        issue_date: text(row, "issue_date"),
        expiry_date: text(row, "expiry_date"),
        calibration_date: text(row, "calibration_date"),
        installation_date: text(row, "installation_date"),
        remarks: text(row, "remarks"),
    }
}

fn customer(row: &Row) -> (OldId, LegacyCustomer) {
    let id = id(row);
    let [name, trade_license, email, phone] =
        ["name", "trade_license", "email", "phone"].map(|column| text(row, column));
    (id, LegacyCustomer { id, name, trade_license, email, phone })
}

fn technician(row: &Row) -> (OldId, LegacyTechnician) {
    let old_id = id(row);
    let user_id = reference(row, "user_id");
    (old_id, LegacyTechnician { id: old_id, name: text(row, "name"), phone: text(row, "phone"), user_id })
}

/// A mapping file, with what the destination has of it.
fn mapping(mappings: &str, destination: &str) -> HashMap<OldId, Mapped> {
    let there: BTreeSet<_> = rows(destination).iter().map(|row| number(row, "id").unwrap()).collect();
    let mappings: HashMap<String, i64> =
        serde_json::from_str(&std::fs::read_to_string(file(mappings)).unwrap()).unwrap();
    mappings
        .into_iter()
        .map(|(old, new)| (OldId(old.parse().unwrap()), Mapped { new_id: NewId(new), exists: there.contains(&new) }))
        .collect()
}

/// The destination's ids by what a column has.
fn by_column(file: &str, column: &str) -> HashMap<String, Found<NewId>> {
    let rows = rows(file);
    let there = rows.iter().filter(|row| row[column] != r"\N");
    Found::by_key(there.map(|row| (row[column].clone(), NewId(number(row, "id").unwrap()))))
}

fn lookups() -> Lookups {
    let vehicles = [("brand", 64), ("model", 128), ("chassis_number", 32), ("registration_number", 32)];
    Lookups {
        devices: by_column("dest_devices.csv", "ecu_number"),
        users: mapping("user_mappings.json", "dest_users.csv"),
        customers: mapping("customer_mappings.json", "dest_customers.csv"),
        technicians: mapping("technicians_mapping.json", "dest_technicians.csv"),
        legacy_customers: Found::by_key(rows("customers.csv").iter().map(customer)),
        legacy_technicians: Found::by_key(rows("technicians.csv").iter().map(technician)),
        customers_by_trade_license: by_column("dest_customers.csv", "trade_license"),
        limits: vehicles.map(|(column, limit)| ("vehicles".to_owned(), column.to_owned(), limit)).into_iter().collect(),
    }
}

fn customer_value(customer: &CustomerPlan) -> Value {
    match customer {
        CustomerPlan::Existing(id) | CustomerPlan::Matched { new_id: id, .. } => json!(["existing", id]),
        CustomerPlan::MatchOrCreate(new) => match &new.trade_license {
            Some(license) => json!(["created", ["license", license], new.name]),
            None => json!(["created", ["old", new.old_id], new.name]),
        },
    }
}

fn technician_value(technician: Option<&TechnicianPlan>) -> Value {
    match technician {
        None => Value::Null,
        Some(TechnicianPlan::Existing(id)) => json!(["existing", id]),
        Some(TechnicianPlan::Create(new)) => json!(["created", ["old", new.old_id], new.name, new.user_id]),
    }
}

fn instant(at: DateTime<Utc>) -> String {
    let whole = at.timestamp_subsec_micros() == 0;
    at.format(if whole { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S%.6fZ" }).to_string()
}

fn migrated_value(plan: &Plan) -> Value {
    json!({
        "certificate_id": plan.id,
        "state": "migrated",
        "certificate_number": plan.certificate_number,
        "device_id": plan.device_id,
        "customer": customer_value(&plan.customer),
        "user_id": plan.user_id,
        "calibration_technician": technician_value(plan.calibration_technician.as_ref()),
        "installation_technician": technician_value(plan.installation_technician.as_ref()),
        "speed_limit_kmh": plan.speed_limit_kmh,
        "status": plan.status,
        "issued_at": instant(plan.issued_at),
        "expires_at": plan.expires_at.map(instant),
        "calibrated_at": plan.calibrated_at.map(instant),
        "installed_at": plan.installed_at.map(instant),
        "remarks": plan.remarks,
        "vehicle": plan.vehicle.as_ref().map(|vehicle| json!({
            "brand": vehicle.brand,
            "model": vehicle.model,
            "chassis_number": vehicle.chassis_number,
            "registration_number": vehicle.registration_number,
            "is_new_registration": vehicle.is_new_registration,
        })),
        "warnings": plan.warnings.iter().map(|warning| json!(warning.code)).collect::<Vec<_>>(),
    })
}

/// The issues of a failed certificate, in one order whatever theirs was.
fn issue_set(issues: &Value) -> BTreeSet<String> {
    let shown = |issue: &Value| format!("{} {} {}", issue["kind"], issue["code"], issue["field"]);
    issues.as_array().unwrap().iter().map(shown).collect()
}

#[test]
fn every_case_comes_out_as_expected() {
    let (lookups, policy) = (lookups(), Policy::default());
    let expected = std::fs::read_to_string(file("expected.jsonl")).unwrap();
    let mut expected: HashMap<i64, Value> = expected
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|value| (value["certificate_id"].as_i64().unwrap(), value))
        .collect();
    let mut counts = (0, 0);
    for record in rows("certificates.csv").iter().map(certificate) {
        let expected = expected.remove(&record.id.0).unwrap();
        match plan(&record, &lookups, &policy) {
            Outcome::Migrate(plan) => {
                assert_eq!(migrated_value(&plan), expected, "{record:?}");
                assert_eq!(violations(&record, &plan), Vec::<String>::new(), "{record:?}");
                counts.0 += 1;
            }
            Outcome::Fail(issues) => {
                assert_eq!(expected["state"], "failed", "{record:?}: {issues:?}");
                assert_eq!(issue_set(&json!(issues)), issue_set(&expected["issues"]), "{record:?}");
                assert!(issues.is_sorted(), "{issues:?}");
                counts.1 += 1;
            }
        }
    }
    assert!(expected.is_empty(), "not in the source: {:?}", expected.keys());
    assert_eq!(counts.0 + counts.1, 2_000);
    assert!(counts.0 > 1_000 && counts.1 > 100, "{counts:?}");
}
