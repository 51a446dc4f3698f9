//! Holding the destination and the status table against `expected.jsonl`, value by value.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use certferry_testkit::cases;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::Row;

use crate::world::World;

/// Everything about each certificate of the status table, in the form of `expected.jsonl`, but for people: their new
/// ids, names and, of technicians, users.
const ACTUAL: &str = "
SELECT status.certificate_id, jsonb_build_object(
    'certificate_id', status.certificate_id,
    'state', status.state,
    'shown', jsonb_build_array(status.error_kind, status.error_code, status.error_message),
    'issues', status.issues,
    'certificate_number', certificate.certificate_number,
    'device_id', certificate.device_id,
    'customer', jsonb_build_array(certificate.customer_id, customer.name),
    'user_id', certificate.user_id,
    'calibration_technician', CASE WHEN calibration.id IS NOT NULL
        THEN jsonb_build_array(calibration.id, calibration.name, calibration.user_id) END,
    'installation_technician', CASE WHEN installation.id IS NOT NULL
        THEN jsonb_build_array(installation.id, installation.name, installation.user_id) END,
    'speed_limit_kmh', certificate.speed_limit_kmh,
    'status', certificate.status,
    'issued_at', certificate.issued_at,
    'expires_at', certificate.expires_at,
    'calibrated_at', certificate.calibrated_at,
    'installed_at', certificate.installed_at,
    'remarks', certificate.remarks,
    'vehicle', CASE WHEN vehicle.id IS NOT NULL THEN jsonb_build_object(
        'brand', vehicle.brand, 'model', vehicle.model, 'chassis_number', vehicle.chassis_number,
        'registration_number', vehicle.registration_number, 'is_new_registration', vehicle.is_new_registration) END,
    'warnings', jsonb_path_query_array(status.warnings, '$[*].code')
) AS actual
FROM certferry.certificate_status AS status
LEFT JOIN certificates AS certificate ON certificate.id = status.new_certificate_id
LEFT JOIN customers AS customer ON customer.id = certificate.customer_id
LEFT JOIN technicians AS calibration ON calibration.id = certificate.calibration_technician_id
LEFT JOIN technicians AS installation ON installation.id = certificate.installation_technician_id
LEFT JOIN vehicles AS vehicle
    ON vehicle.id = status.new_vehicle_id AND vehicle.certificate_id = status.new_certificate_id";

const DATES: [&str; 4] = ["issued_at", "expires_at", "calibrated_at", "installed_at"];
const COPIED: [&str; 8] =
    ["certificate_number", "device_id", "user_id", "speed_limit_kmh", "status", "remarks", "vehicle", "warnings"];

/// Asserts that every case came out exactly as `expected.jsonl` says, that the counts follow, and that the status
/// table, the destination and the queue agree.
pub(crate) async fn assert_as_expected(world: &World) {
    let expected: BTreeMap<i64, Value> = std::fs::read_to_string(cases::expected())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|case| (case["certificate_id"].as_i64().unwrap(), case))
        .collect();
    let actual: BTreeMap<i64, Value> =
        world.rows(ACTUAL).await.iter().map(|row| (row.get("certificate_id"), row.get("actual"))).collect();
    assert_eq!(expected.len(), 2000);
    assert!(actual.keys().eq(expected.keys()), "{} status rows for {} cases", actual.len(), expected.len());

    let mut created = People::default();
    let mut wrong = Vec::new();
    for (id, case) in &expected {
        let row = &actual[id];
        let differences =
            if case["state"] == "migrated" { migrated(case, row, &mut created) } else { failed(case, row) };
        wrong.extend(differences.into_iter().map(|difference| format!("certificate {id}: {difference}")));
    }
    assert!(wrong.is_empty(), "{} values are wrong:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert_counts(world, &expected, &created).await;
}

/// Which new id each key of `expected.jsonl` stands for; the same key is the same row, another key another row.
#[derive(Default)]
struct People {
    ids: HashMap<(&'static str, String), i64>,
}

impl People {
    fn difference(&mut self, table: &'static str, expected: &Value, actual: &Value) -> Option<String> {
        let id = actual[0].as_i64();
        let Some(person) = expected.as_array() else {
            return (!actual.is_null()).then(|| format!("{table}: expected none, got {actual}"));
        };
        let matches = if person[0] == "existing" {
            id == person[1].as_i64()
        } else {
            let known = id.map(|id| *self.ids.entry((table, person[1].to_string())).or_insert(id));
            // ["created", key, name, …] against [id, name, …]
            id.is_some()
                && known == id
                && person[2..].iter().eq(actual.as_array().unwrap()[1..].iter().take(person.len() - 2))
        };
        (!matches).then(|| format!("{table}: expected {expected}, got {actual}"))
    }

    fn created_in(&self, table: &str) -> i64 {
        let ids: Vec<i64> = self.ids.iter().filter(|((of, _), _)| *of == table).map(|(_, id)| *id).collect();
        let distinct: BTreeSet<i64> = ids.iter().copied().collect();
        assert_eq!(distinct.len(), ids.len(), "two keys of {table} share a row");
        i64::try_from(ids.len()).unwrap()
    }
}

fn migrated(case: &Value, row: &Value, created: &mut People) -> Vec<String> {
    let mut differences = Vec::new();
    if row["state"] != "migrated" {
        return vec![format!("expected migrated, got {} with {}", row["state"], row["issues"])];
    }
    for field in COPIED {
        if case[field] != row[field] {
            differences.push(format!("{field}: expected {}, got {}", case[field], row[field]));
        }
    }
    for field in DATES {
        if instant(&case[field]) != instant(&row[field]) {
            differences.push(format!("{field}: expected {}, got {}", case[field], row[field]));
        }
    }
    differences.extend(created.difference("customers", &case["customer"], &row["customer"]));
    for field in ["calibration_technician", "installation_technician"] {
        differences.extend(created.difference("technicians", &case[field], &row[field]));
    }
    differences
}

fn instant(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str().map(|text| text.parse().unwrap())
}

fn failed(case: &Value, row: &Value) -> Vec<String> {
    let issues = |value: &Value| -> BTreeSet<String> {
        let issues = value["issues"].as_array().unwrap().iter();
        issues.map(|issue| json!([issue["kind"], issue["code"], issue["field"]]).to_string()).collect()
    };
    let mut differences = Vec::new();
    if row["state"] != "failed" || issues(case) != issues(row) {
        differences.push(format!(
            "expected failed with {:?}, got {} with {:?}",
            issues(case),
            row["state"],
            issues(row)
        ));
    }
    let first = &row["issues"][0];
    if row["shown"] != json!([first["kind"], first["code"], first["message"]]) {
        differences.push(format!("shows {}, but its first issue is {first}", row["shown"]));
    }
    differences
}

async fn assert_counts(world: &World, expected: &BTreeMap<i64, Value>, created: &People) {
    let migrated: Vec<&Value> = expected.values().filter(|case| case["state"] == "migrated").collect();
    let count = |cases: usize| i64::try_from(cases).unwrap();
    let vehicles = migrated.iter().filter(|case| !case["vehicle"].is_null()).count();
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, count(migrated.len()));
    assert_eq!(world.number("SELECT count(*) FROM vehicles").await, count(vehicles));
    for table in ["customers", "technicians"] {
        let before =
            std::fs::read_to_string(cases::folder().join(format!("dest_{table}.csv"))).unwrap().lines().count();
        let after = world.number(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(after, count(before) - 1 + created.created_in(table), "rows of {table}");
    }
    let blocked: BTreeSet<i64> = migrated
        .iter()
        .filter(|case| case["status"] == "blocked")
        .map(|case| case["device_id"].as_i64().unwrap())
        .collect();
    let actually_blocked: BTreeSet<i64> =
        world.rows("SELECT id FROM devices WHERE is_blocked").await.iter().map(|row| row.get("id")).collect();
    assert_eq!(actually_blocked, blocked);
    assert_eq!(world.number("SELECT count(*) FROM apalis.jobs").await, 0, "jobs are left");
}
