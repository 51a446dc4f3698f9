//! What holds of every certificate, however broken.

use std::collections::BTreeSet;

use crate::sample::{DANGLING, MAPPED, NOWHERE, UNMAPPED, UNMAPPED_TOO, customer_of, technician_of};
use certferry_certificate::{
    Code, Found, LegacyCertificate, LegacyText, Lookups, NewId, OldId, OnMissing, Outcome, Policy, Reference,
    StatusTable, identity, plan, violations,
};
use proptest::prelude::*;

/// Now and then the text as a column often has it, else anything.
fn text(usual: &'static [&'static str]) -> BoxedStrategy<LegacyText> {
    prop_oneof![
        60 => proptest::sample::select(usual).prop_map(LegacyText::from),
        1 => any::<String>().prop_map(LegacyText::Text),
        1 => "[ \t\u{a0}]{0,2}\\PC{0,40}[ \n]?".prop_map(LegacyText::Text),
        1 => "[-./:,0-9TZ AaPpMm+]{0,30}".prop_map(LegacyText::Text),
        1 => proptest::sample::select(&["", " ", "-", "N/A", "null", "\0", "a\0b", "0000-00-00"][..]).prop_map(LegacyText::from),
        1 => Just(LegacyText::Null),
        1 => Just(LegacyText::Undecodable),
    ]
    .boxed()
}

fn reference() -> BoxedStrategy<Reference> {
    let ids = [MAPPED, DANGLING, UNMAPPED, UNMAPPED_TOO, NOWHERE, OldId(i64::MIN)].map(Reference::Id);
    prop_oneof![
        24 => Just(Reference::Id(MAPPED)),
        6 => Just(Reference::Id(UNMAPPED)),
        3 => Just(Reference::Id(UNMAPPED_TOO)),
        1 => proptest::sample::select(ids.to_vec()),
        1 => text(&["TECH-7", "12.0", " 1 ", "1.5", "1e20", "true"]).prop_map(|text| Reference::of(&text)),
    ]
    .boxed()
}

const DATES: &[&str] =
    &["2020-01-01", " 1/2/2021 1:02 PM", "3-Feb-2022", "2023-01-01T00:00:00.1234567+04:00", "٢٠٢٤-٠١-٠١"];

prop_compose! {
    fn records()(
        texts in (
            text(&["SLC/1", " SLC/2 "]),
            text(&["ECU1", " ECU1 "]),
            text(&["TOYOTA HIACE", " MAN  TGS ", "HIACE", "- X"]),
            text(&["CH1", "n/a"]),
            text(&["DXB 1", "دبي 1"]),
            text(&["80", "60 mph", "٨٠ KM/H", "100 (100)"]),
            text(&["active", " Blocked", "Null & Void"]),
            text(&["Seal replaced", ""]),
        ),
        dates in [text(DATES), text(DATES), text(DATES), text(DATES)],
        ids in [reference(), reference(), reference(), reference()],
        new_registration in text(&["1", "0", "true", "False", "1.0", "2", "yes"]),
    ) -> LegacyCertificate {
        let (certificate_number, ecu_number, vehicle_type, chassis, registration, speed, status, remarks) = texts;
        let [customer_id, user_id, calibration_technician_id, installation_technician_id] = ids;
        let [issue_date, expiry_date, calibration_date, installation_date] = dates;
        LegacyCertificate {
            id: OldId(1),
            certificate_number,
            ecu_number,
            customer_id,
            user_id: if user_id == Reference::Id(UNMAPPED) { Reference::Id(MAPPED) } else { user_id },
            calibration_technician_id,
            installation_technician_id,
            vehicle_type,
            vehicle_chassis_number: chassis,
            vehicle_registration_number: registration,
            new_registration,
            speed,
            status,
            issue_date,
            expiry_date,
            calibration_date,
            installation_date,
            remarks,
        }
    }
}

fn found(id: NewId) -> impl Strategy<Value = Option<Found<NewId>>> {
    prop_oneof![8 => Just(None), 4 => Just(Some(Found::One(id))), 1 => Just(Some(Found::Several))]
}

prop_compose! {
    fn lookups()(
        customer in [text(&["Falcon"]), text(&["CN-1", "", "CN-1234567"]), text(&["a@b"]), text(&["050"])],
        technician in [text(&["Imran"]), text(&["050"])],
        technician_user in reference(),
        devices in found(NewId(50)),
        licensed in found(NewId(60)),
        is_repeated in prop::bool::weighted(0.05),
        has_limits in any::<bool>(),
    ) -> Lookups {
        let mut lookups = crate::sample::lookups();
        let [name, trade_license, email, phone] = customer;
        let legacy = customer_of(&mut lookups);
        (legacy.name, legacy.trade_license, legacy.email, legacy.phone) = (name, trade_license, email, phone);
        let [name, phone] = technician;
        let legacy = technician_of(&mut lookups, UNMAPPED);
        (legacy.name, legacy.phone, legacy.user_id) = (name, phone, technician_user);
        lookups.devices.extend(devices.map(|found| ("ECU1".to_owned(), found)));
        lookups.customers_by_trade_license.extend(licensed.map(|found| ("CN-1".to_owned(), found)));
        if is_repeated {
            lookups.legacy_customers.insert(UNMAPPED, Found::Several);
            lookups.legacy_technicians.insert(UNMAPPED_TOO, Found::Several);
        }
        if has_limits {
            lookups.limits = crate::sample::narrow().into_iter().collect();
        }
        lookups
    }
}

fn policies() -> impl Strategy<Value = Policy> {
    let on_missing = || prop_oneof![4 => Just(OnMissing::Create), 1 => Just(OnMissing::Fail)];
    let zones = proptest::sample::select(&[chrono_tz::Asia::Dubai, chrono_tz::Africa::Cairo, chrono_tz::UTC][..]);
    let brands = proptest::sample::select(vec![vec![], vec!["man tgs".to_owned(), "TOYOTA".to_owned(), String::new()]]);
    (zones, brands, on_missing(), on_missing()).prop_map(|(timezone, brands, customers, technicians)| Policy {
        timezone,
        statuses: StatusTable::default(),
        brands,
        customers,
        technicians,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_certificate_is_planned_right_or_fails_with_reasons(record in records(), lookups in lookups(), policy in policies()) {
        let shown = identity(&record);
        match plan(&record, &lookups, &policy) {
            Outcome::Migrate(plan) => {
                prop_assert_eq!(violations(&record, &plan), Vec::<String>::new());
                prop_assert_eq!(shown.certificate_number, Some(plan.certificate_number));
                prop_assert!(shown.ecu_number.is_some());
            }
            Outcome::Fail(issues) => {
                prop_assert!(!issues.is_empty());
                prop_assert!(issues.is_sorted());
                let keys: BTreeSet<_> = issues.iter().map(|issue| (issue.code, &issue.field)).collect();
                prop_assert_eq!(keys.len(), issues.len(), "{:?}", &issues);
                for issue in &issues {
                    prop_assert_eq!(issue.kind, issue.code.kind());
                    prop_assert!(!issue.message.contains('\0') && issue.message.chars().count() < 1_000, "{}", issue.message);
                    prop_assert!(issue.field.as_deref().is_none_or(is_a_field), "{:?}", issue.field);
                }
            }
        }
    }

    #[test]
    fn nothing_unreadable_is_dropped(record in records(), lookups in lookups(), policy in policies()) {
        let unreadable: Vec<&str> = [
            ("customer_id", &record.customer_id),
            ("user_id", &record.user_id),
            ("calibration_technician_id", &record.calibration_technician_id),
            ("installation_technician_id", &record.installation_technician_id),
        ]
        .into_iter()
        .filter(|(_, reference)| matches!(reference, Reference::Unreadable(_)))
        .map(|(field, _)| field)
        .collect();
        let named: Vec<String> = match plan(&record, &lookups, &policy) {
            Outcome::Migrate(_) => vec![],
            Outcome::Fail(issues) => issues.into_iter()
                .filter(|issue| issue.code == Code::InvalidId)
                .filter_map(|issue| issue.field)
                .collect(),
        };
        for field in unreadable {
            prop_assert!(named.iter().any(|named| named == field), "{} is not among {:?}", field, named);
        }
    }

    #[test]
    fn what_surrounds_a_text_changes_nothing(record in records(), space in "[ \t\r\n\u{a0}\u{2003}\u{3000}]{0,3}") {
        let lookups = crate::sample::lookups();
        let policy = Policy::default();
        let mut spaced = record.clone();
        for text in [
            &mut spaced.certificate_number, &mut spaced.ecu_number, &mut spaced.speed, &mut spaced.status,
            &mut spaced.issue_date, &mut spaced.expiry_date, &mut spaced.vehicle_type, &mut spaced.remarks,
        ] {
            if let LegacyText::Text(text) = text {
                *text = format!("{space}{text}{space}");
            }
        }
        match (plan(&record, &lookups, &policy), plan(&spaced, &lookups, &policy)) {
            (Outcome::Fail(plain), Outcome::Fail(spaced)) => {
                let keys = |issues: Vec<certferry_certificate::Issue>| {
                    issues.into_iter().map(|issue| (issue.code, issue.field)).collect::<Vec<_>>()
                };
                prop_assert_eq!(keys(plain), keys(spaced));
            }
            (plain, spaced) => prop_assert_eq!(plain, spaced),
        }
    }
}

fn is_a_field(field: &str) -> bool {
    [
        "certificate_number",
        "ecu_number",
        "customer_id",
        "user_id",
        "calibration_technician_id",
        "installation_technician_id",
        "speed",
        "status",
        "issue_date",
        "expiry_date",
        "calibration_date",
        "installation_date",
        "remarks",
        "customer.name",
        "customer.trade_license",
        "customer.email",
        "customer.phone",
        "technician.name",
        "technician.phone",
        "technician.user_id",
    ]
    .contains(&field)
}
