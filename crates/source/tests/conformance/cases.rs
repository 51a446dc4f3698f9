//! The reference cases come out of every engine as their files have them.

use std::path::Path;

use certferry_certificate::{LegacyCertificate, LegacyText, OldId, Reference};
use certferry_source::Selection;
use certferry_testkit::cases;

use crate::legacy::Legacy;
use crate::on_every_engine;

on_every_engine!(every_case_is_read_as_it_is);

async fn every_case_is_read_as_it_is(legacy: Legacy) {
    cases::load_source(legacy.url()).await.expect("the cases");
    let source = legacy.source().await;
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = source.ids_page(after, 300, &Selection::all()).await.expect("a page");
        ids.extend(page.ids);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // More than one statement may name.
    let certificates = source.certificates(&ids).await.expect("certificates");
    let expected: Vec<_> = rows("certificates.csv").iter().map(|row| certificate(row)).collect();
    assert_eq!(ids.len(), 2000);
    assert_eq!(certificates.len(), expected.len());
    for (read, expected) in certificates.iter().zip(&expected) {
        assert_eq!(read, expected);
    }

    let people = rows("customers.csv");
    let ids: Vec<_> = people.iter().map(|row| OldId(number(&row[0]).expect("an id"))).collect();
    let customers = source.customers(&ids).await.expect("customers");
    let mut expected: Vec<_> = people.iter().map(|row| (number(&row[0]), row[1].clone(), row[4].clone())).collect();
    expected.sort_by_key(|(id, ..)| *id);
    let read: Vec<_> = customers.into_iter().map(|one| (Some(one.id.0), one.name, one.phone)).collect();
    assert_eq!(read, expected);
    let people = rows("technicians.csv");
    let ids: Vec<_> = people.iter().map(|row| OldId(number(&row[0]).expect("an id"))).collect();
    assert_eq!(source.technicians(&ids).await.expect("technicians").len(), people.len());
}

fn rows(file: &str) -> Vec<Vec<LegacyText>> {
    let mut reader = csv::Reader::from_path(Path::new(&cases::folder()).join(file)).expect("a file of the cases");
    let value = |field: &str| if field == r"\N" { LegacyText::Null } else { field.into() };
    let rows = reader.records().map(|record| record.expect("a row").iter().map(value).collect());
    rows.collect()
}

fn number(text: &LegacyText) -> Option<i64> {
    match text {
        LegacyText::Text(text) => Some(text.parse().expect("a number")),
        LegacyText::Null | LegacyText::Undecodable => None,
    }
}

fn certificate(row: &[LegacyText]) -> LegacyCertificate {
    let reference = |at: usize| Reference::of(&row[at]);
    LegacyCertificate {
        id: OldId(number(&row[0]).expect("an id")),
        certificate_number: row[1].clone(),
        ecu_number: row[2].clone(),
        customer_id: reference(3),
        user_id: reference(4),
        calibration_technician_id: reference(5),
        installation_technician_id: reference(6),
        vehicle_type: row[7].clone(),
        vehicle_chassis_number: row[8].clone(),
        vehicle_registration_number: row[9].clone(),
        new_registration: row[10].clone(),
        speed: row[11].clone(),
        status: row[12].clone(),
        issue_date: row[13].clone(),
        expiry_date: row[14].clone(),
        calibration_date: row[15].clone(),
        installation_date: row[16].clone(),
        remarks: row[17].clone(),
    }
}
