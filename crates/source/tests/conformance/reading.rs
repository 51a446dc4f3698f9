//! Pages, lookups and counts.

use std::time::{Duration, Instant};

use certferry_certificate::{LegacyCustomer, LegacyTechnician, LegacyText, OldId, Reference};
use certferry_source::{Selection, Settings, Source};

use crate::legacy::{Engine, Legacy};
use crate::on_every_engine;

on_every_engine!(
    pages_cover_every_id_once_in_order,
    an_empty_table_is_one_empty_page,
    named_ids_are_found_or_said_to_be_absent,
    an_ecu_number_is_found_with_its_white_space,
    records_are_read_by_id_as_they_are,
    nothing_is_asked_when_nothing_is_wanted,
    rows_come_no_faster_than_the_configuration_says,
    a_database_says_who_it_is,
);

/// All ids of `selection`, page by page, and the ids that were asked for in vain.
async fn all(source: &Source, limit: u32, selection: &Selection) -> (Vec<i64>, Vec<i64>) {
    let (mut found, mut absent, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = source.ids_page(after, limit, selection).await.expect("a page");
        assert!(page.ids.len() + page.absent.len() <= limit as usize);
        found.extend(page.ids.iter().map(|id| id.0));
        absent.extend(page.absent.iter().map(|id| id.0));
        match page.next {
            Some(next) => {
                assert!(after < Some(next), "pages go forward");
                after = Some(next);
            }
            None => return (found, absent),
        }
    }
}

async fn pages_cover_every_id_once_in_order(legacy: Legacy) {
    let ids = [i64::MIN, -7, 0, 1, 2, 5, 1_000_000, i64::MAX];
    legacy.insert_certificates(ids.map(|id| (id, "ECU"))).await;
    let source = legacy.source().await;
    for limit in [1, 2, 3, 4, 7, 8, 9, 1000] {
        assert_eq!(all(&source, limit, &Selection::all()).await, (ids.to_vec(), vec![]), "limit {limit}");
    }
    assert_eq!(source.count(&Selection::all()).await.expect("a count"), Some(8));
}

async fn an_empty_table_is_one_empty_page(legacy: Legacy) {
    let source = legacy.source().await;
    assert_eq!(all(&source, 10, &Selection::all()).await, (vec![], vec![]));
    assert_eq!(source.count(&Selection::all()).await.expect("a count"), Some(0));
}

async fn named_ids_are_found_or_said_to_be_absent(legacy: Legacy) {
    legacy.insert_certificates([(i64::MIN, "A"), (-7, "A"), (3, "B"), (i64::MAX, "A")]).await;
    let source = legacy.source().await;
    let named = [3, 3, 4, i64::MAX, -7, i64::MIN, -8].map(OldId);
    let selection = Selection::all().with_ids(named);
    for limit in [1, 2, 5, 6, 7] {
        let expected = (vec![i64::MIN, -7, 3, i64::MAX], vec![-8, 4]);
        assert_eq!(all(&source, limit, &selection).await, expected, "limit {limit}");
    }
    let narrowed = selection.with_ecu_numbers([" A"]);
    assert_eq!(all(&source, 2, &narrowed).await, (vec![i64::MIN, -7, i64::MAX], vec![-8, 3, 4]));
    let nothing = Selection::all().with_ids([]);
    assert_eq!(all(&source, 2, &nothing).await, (vec![], vec![]));
    assert_eq!(source.count(&nothing).await.expect("a count"), Some(0));
}

async fn an_ecu_number_is_found_with_its_white_space(legacy: Legacy) {
    let rows =
        [(1, "ECU1"), (2, "  ECU1 "), (3, "\tECU1\u{a0}"), (4, "ECU11"), (5, "ecu1"), (6, "50%_\\"), (7, "50ab")];
    legacy.insert_certificates(rows).await;
    legacy.execute("INSERT INTO certificates (id, ecu_number) VALUES (8, NULL), (9, '')").await;
    let source = legacy.source().await;
    for limit in [1, 2, 3, 10] {
        let selection = Selection::all().with_ecu_numbers(["ECU1"]);
        assert_eq!(all(&source, limit, &selection).await.0, [1, 2, 3], "limit {limit}");
        let selection = Selection::all().with_ecu_numbers([" 50%_\\", "ECU11", "ECU11", "absent"]);
        assert_eq!(all(&source, limit, &selection).await.0, [4, 6], "limit {limit}");
    }
    for nothing in [vec![""], vec![], vec!["a\0b"], vec!["E"]] {
        let selection = Selection::all().with_ecu_numbers(&nothing);
        assert_eq!(all(&source, 3, &selection).await, (vec![], vec![]), "{nothing:?}");
    }
    let count = source.count(&Selection::all().with_ecu_numbers(["ECU1"])).await.expect("a count");
    assert!(count >= Some(3), "{count:?}");
}

async fn records_are_read_by_id_as_they_are(legacy: Legacy) {
    legacy
        .execute(
        "INSERT INTO customers VALUES (-1, ' Pearl ', 'CN-1', NULL, ''), (2, NULL, NULL, NULL, NULL);
         INSERT INTO technicians VALUES (5, 'Omar', '0501', 103), (9223372036854775807, 'Sara', NULL, NULL);
         INSERT INTO certificates VALUES
            (1, 'SLC/1', ' ECU1 ', 10, 20, NULL, 40, 'TATA\tX', 'ch', 'دبي L 1', 1, '٨٠', 'Valid', '1/2/2020', NULL, '-',
             '', 'remark'),
            (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    .await;
    let source = legacy.source().await;

    let customers = source.customers(&[2, -1, 77, -1].map(OldId)).await.expect("customers");
    let text = LegacyText::from;
    let pearl = LegacyCustomer {
        id: OldId(-1),
        name: text(" Pearl "),
        trade_license: text("CN-1"),
        email: LegacyText::Null,
        phone: text(""),
    };
    assert_eq!(customers[0], pearl);
    assert_eq!(customers[1..].iter().map(|customer| customer.id.0).collect::<Vec<_>>(), [2]);

    let technicians = source.technicians(&[OldId(i64::MAX), OldId(5)]).await.expect("technicians");
    let omar =
        LegacyTechnician { id: OldId(5), name: text("Omar"), phone: text("0501"), user_id: Reference::Id(OldId(103)) };
    assert_eq!(technicians[0], omar);
    assert_eq!(
        (technicians.len(), technicians[1].id, technicians[1].user_id.clone()),
        (2, OldId(i64::MAX), Reference::Missing)
    );

    let certificates = source.certificates(&[2, 1, 3].map(OldId)).await.expect("certificates");
    let [full, bare] = certificates.as_slice() else { panic!("two certificates: {certificates:?}") };
    assert_eq!((full.id, bare.id), (OldId(1), OldId(2)));
    assert_eq!(full.ecu_number, text(" ECU1 "));
    assert_eq!((&full.customer_id, &full.calibration_technician_id), (&Reference::Id(OldId(10)), &Reference::Missing));
    assert_eq!(full.installation_technician_id, Reference::Id(OldId(40)));
    assert_eq!((full.vehicle_type.clone(), full.speed.clone()), (text("TATA\tX"), text("٨٠")));
    assert_eq!((&full.new_registration, &bare.new_registration), (&text("1"), &LegacyText::Null));
    assert_eq!((&bare.remarks, &bare.customer_id), (&LegacyText::Null, &Reference::Missing));
}

async fn nothing_is_asked_when_nothing_is_wanted(legacy: Legacy) {
    let source = legacy.source().await;
    legacy.execute("DROP TABLE certificates; DROP TABLE customers; DROP TABLE technicians").await;
    assert!(source.certificates(&[]).await.expect("no query").is_empty());
    assert!(source.customers(&[]).await.expect("no query").is_empty());
    assert!(source.technicians(&[]).await.expect("no query").is_empty());
}

async fn rows_come_no_faster_than_the_configuration_says(legacy: Legacy) {
    legacy.insert_certificates((1..=60).map(|id| (id, "ECU"))).await;
    let settings = Settings { max_rows_per_second: 100, ..Settings::default() };
    let source = legacy.source_with(&settings).await;
    let ids: Vec<OldId> = (1..=60).map(OldId).collect();
    let begin = Instant::now();
    let (first, second) = futures::join!(source.certificates(&ids), source.certificates(&ids));
    assert_eq!((first.expect("certificates").len(), second.expect("certificates").len()), (60, 60));
    assert!(begin.elapsed() >= Duration::from_millis(590), "60 rows at 100 a second came too early");
}

async fn a_database_says_who_it_is(legacy: Legacy) {
    let identity = legacy.source().await.identity().await.expect("an identity");
    assert_eq!(legacy.source().await.identity().await.expect("an identity"), identity, "the same again");
    match legacy.engine {
        Engine::Postgres => assert!(identity.database.is_some() && identity.server.is_some(), "{identity:?}"),
        // Older servers have no identifier.
        Engine::Mariadb => assert!(identity.database.is_some(), "{identity:?}"),
        Engine::Sqlite => assert_eq!((identity.database, identity.server), (None, None)),
    }
}
