//! The pages of `docs/codes`: each is whole and in step with its code, and its examples come out as it says.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use certferry_certificate::{
    Code, CodePage, Found, LegacyCertificate, LegacyCustomer, LegacyText, Limits, Lookups, Mapped, NewId, OldId,
    Outcome, Policy, Reference, plan,
};

const PERMANENT: &str = "Permanent: trying again without a change is pointless.";
const TRANSIENT: &str = "Transient: trying again may help without a change, and workers do so by themselves.";
const WARNING: &str = "Kind: warning. The certificate is migrated, so there is nothing to try again.";

#[test]
fn every_page_is_whole_and_in_step_with_its_code() {
    for page in CodePage::all() {
        let code = page.code();
        let lines: Vec<&str> = page.text().lines().collect();
        let kind = page.kind().map(|kind| {
            let again = if page.is_permanent() { PERMANENT } else { TRANSIENT };
            format!("Kind: {}. {again}", kind.as_str())
        });
        assert_eq!(lines[..3], [&format!("# {code}"), "", kind.as_deref().unwrap_or(WARNING)], "{code}");
        let headings: Vec<&str> = lines.iter().copied().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, ["## What it means", "## Why it happens", "## What to do", "## Example"], "{code}");
        for section in [page.meaning(), page.causes(), page.remedy(), page.example()] {
            assert!(section.len() > 20, "{code}: {section:?}");
        }
        assert!(page.causes().lines().all(|line| line.starts_with("- ") || line.starts_with("  ")), "{code}");
        assert!(page.remedy().contains("\n1. "), "{code} says no step");
        assert!(page.example().contains("    → "), "{code} shows no message");
        assert_eq!(page.text().matches("```").count() % 2, 0, "{code} leaves a block open");
        let again = format!("`producer retry --code {code}`");
        assert_eq!(page.remedy().contains(&again), page.kind().is_some(), "{code}: {again}");
        let words = page.text().split('`').filter(|word| !word.contains(' '));
        for other in words.filter(|word| word.ends_with("_violation") || word.starts_with("missing_")) {
            assert!(CodePage::of(other).is_some(), "{code} speaks of {other}, which is no code");
        }
    }
}

#[test]
fn the_folder_has_these_pages_and_no_others() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/codes");
    let there: BTreeSet<String> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, CodePage::all().map(|page| format!("{}.md", page.code())).collect());
}

/// A certificate that the world of the examples migrates.
fn certificate() -> LegacyCertificate {
    LegacyCertificate {
        id: OldId(1),
        certificate_number: "SLC/1".into(),
        ecu_number: "ECU-1".into(),
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

/// What the examples speak of: user 9 is mapped to nobody, customer 31 has a licence of several, customer 50 is there twice.
fn lookups() -> Lookups {
    let one = |old, new| (OldId(old), Mapped { new_id: NewId(new), exists: old == 1 });
    let customer = |id| LegacyCustomer {
        id: OldId(id),
        name: "Al Wasl".into(),
        trade_license: "CN-1001".into(),
        email: LegacyText::Null,
        phone: LegacyText::Null,
    };
    let limits = [("certificates", "remarks", 20), ("vehicles", "model", 20)];
    Lookups {
        devices: [("ECU-1".to_owned(), Found::One(NewId(1))), ("ECU-TWICE".to_owned(), Found::Several)].into(),
        users: [one(1, 7001), one(9, 7009)].into(),
        customers: [one(1, 20_001)].into(),
        legacy_customers: Found::by_key([31, 50, 50].map(|id| (OldId(id), customer(id)))),
        customers_by_trade_license: [("CN-1001".to_owned(), Found::Several)].into(),
        limits: limits.into_iter().map(|(table, column, most)| (table.into(), column.into(), most)).collect::<Limits>(),
        ..Lookups::default()
    }
}

fn set(record: &mut LegacyCertificate, field: &str, value: &str) {
    let value: serde_json::Value = serde_json::from_str(value).unwrap();
    let text = match value {
        serde_json::Value::Null => LegacyText::Null,
        serde_json::Value::String(text) => LegacyText::Text(text),
        other => LegacyText::Text(other.to_string()),
    };
    match field {
        "certificate_number" => record.certificate_number = text,
        "ecu_number" => record.ecu_number = text,
        "customer_id" => record.customer_id = Reference::of(&text),
        "user_id" => record.user_id = Reference::of(&text),
        "calibration_technician_id" => record.calibration_technician_id = Reference::of(&text),
        "vehicle_type" => record.vehicle_type = text,
        "new_registration" => record.new_registration = text,
        "speed" => record.speed = text,
        "status" => record.status = text,
        "issue_date" => record.issue_date = text,
        "expiry_date" => record.expiry_date = text,
        "calibration_date" => record.calibration_date = text,
        "remarks" => record.remarks = text,
        other => panic!("an example speaks of {other}, which nothing here knows how to set"),
    }
}

/// The issue or warning of this code that a certificate has.
fn message(record: &LegacyCertificate, code: &str) -> Option<String> {
    match plan(record, &lookups(), &Policy::default()) {
        Outcome::Migrate(plan) => {
            plan.warnings.into_iter().find(|it| it.code.as_str() == code).map(|warning| warning.message)
        }
        Outcome::Fail(issues) => issues.into_iter().find(|it| it.code.as_str() == code).map(|issue| issue.message),
    }
}

#[test]
fn every_example_of_a_value_comes_out_as_its_page_says() {
    let mut tried: HashMap<&str, usize> = HashMap::new();
    let mut wrong = Vec::new();
    for page in CodePage::all() {
        let mut record = None;
        for line in page.example().lines().filter_map(|line| line.strip_prefix("    ")) {
            if let Some(expected) = line.strip_prefix("→ ") {
                // A message about no value comes from a database or a worker.
                let Some(record) = record.take() else { continue };
                let found = message(&record, page.code());
                if found.as_deref() != Some(expected) {
                    wrong.push(format!("{}\n  says {expected}\n  it is {found:?}", page.code()));
                }
                *tried.entry(page.code()).or_default() += 1;
            } else {
                let (field, value) = line.split_once(": ").unwrap();
                set(record.get_or_insert_with(certificate), field, value);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What the planner finds has an example that is tried; only what the databases or the worker find has none.
    let elsewhere = [Code::CertificateNotFound];
    for code in Code::ALL.iter().filter(|code| code.kind().as_str() == "validation" && !elsewhere.contains(code)) {
        assert!(tried.contains_key(code.as_str()), "{} has no example of a value", code.as_str());
    }
    for code in Code::ALL.iter().filter(|code| code.kind().as_str() == "mapping") {
        assert!(tried.contains_key(code.as_str()), "{} has no example of a value", code.as_str());
    }
    assert!(tried.values().sum::<usize>() >= 25, "{tried:?}");
}
