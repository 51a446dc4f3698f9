//! Legacy tables of another shape, and source queries that do not fit.

use certferry_certificate::{LegacyText, OldId, Reference};
use certferry_source::{Class, Selection, Settings, Source};
use certferry_testkit::postgres::Server;

use crate::legacy::Legacy;

const LICENCES: &str = "
    CREATE TABLE holder (number numeric(20, 0) PRIMARY KEY, first text, last text);
    CREATE TABLE licence (
        number numeric(20, 0) PRIMARY KEY, unit char(12), holder numeric(20, 0), clerk integer, fresh boolean, kmh real,
        issued timestamptz, expires timestamp, calibrated date, installed bigint, voided boolean
    );
    INSERT INTO holder VALUES (7, 'Noor', 'Haddad');
    INSERT INTO licence VALUES
        (12, 'ECU12', 7, 3, true, 80.5, '2020-01-31 23:30:00.5+04', '2021-01-31 10:00:00', '2020-02-01', 1580500800, false),
        (13, NULL, 99999999999999999999, NULL, NULL, NULL, 'infinity', NULL, NULL, NULL, true);";

async fn problems(source: &Source) -> Vec<String> {
    let checks = source.check().await.expect("a check");
    checks.iter().flat_map(|check| &check.problems).map(ToString::to_string).collect()
}

/// Everything about it differs from the reference: names, types, dates, and status and names come from other columns.
fn of_licences() -> Settings {
    Settings {
        certificates: Some(
            "-- our licences
             SELECT number AS id, 'L-' || number AS certificate_number, unit AS ecu_number, holder AS customer_id,
                    clerk AS user_id, NULL AS calibration_technician_id, NULL AS installation_technician_id,
                    'BUS' AS vehicle_type, NULL AS vehicle_chassis_number, NULL AS vehicle_registration_number,
                    fresh AS new_registration, kmh AS speed, CASE WHEN voided THEN 'void' ELSE 'valid' END AS status,
                    issued AS issue_date, expires AS expiry_date, calibrated AS calibration_date,
                    to_timestamp(installed) AS installation_date, NULL AS remarks
             FROM licence; -- the end"
                .to_owned(),
        ),
        customers: Some(
            "WITH named AS (SELECT number, first || ' ' || last AS name FROM holder)
             SELECT number AS id, name, NULL AS trade_license, NULL AS email, NULL AS phone, 1 AS more FROM named;\n"
                .to_owned(),
        ),
        ..Settings::default()
    }
}

#[tokio::test]
async fn tables_of_another_shape_are_read_by_queries_of_the_user() {
    let legacy = Legacy::with(LICENCES).await;
    // However the server writes dates and wherever it thinks it is.
    legacy.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = %L', current_database(), 'German, DMY'); END $$").await;
    legacy.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Asia/Kathmandu'); END $$").await;
    let source = legacy.source_with(&of_licences()).await;
    assert_eq!(problems(&source).await, [""; 0]);

    let page = source.ids_page(None, 1, &Selection::all()).await.expect("a page");
    assert_eq!((page.ids, page.next), (vec![OldId(12)], Some(OldId(12))));
    let page = source.ids_page(Some(OldId(12)), 2, &Selection::all()).await.expect("a page");
    assert_eq!((page.ids, page.next), (vec![OldId(13)], None));
    let selection = Selection::all().with_ecu_numbers(["ECU12"]);
    assert_eq!(source.ids_page(None, 9, &selection).await.expect("a page").ids, [OldId(12)]);

    let certificates = source.certificates(&[12, 13].map(OldId)).await.expect("certificates");
    let [first, second] = certificates.as_slice() else { panic!("two certificates: {certificates:?}") };
    let text = LegacyText::from;
    let beyond_bigint = Reference::Unreadable(Some("99999999999999999999".to_owned()));
    assert_eq!((&first.customer_id, &first.user_id), (&Reference::Id(OldId(7)), &Reference::Id(OldId(3))));
    assert_eq!((first.certificate_number.clone(), first.ecu_number.clone()), (text("L-12"), text("ECU12")));
    assert_eq!((&first.new_registration, &second.new_registration), (&text("true"), &LegacyText::Null));
    assert_eq!((first.speed.clone(), first.status.clone()), (text("80.5"), text("valid")));
    assert_eq!(first.issue_date, text("2020-01-31T19:30:00.500000Z"));
    assert_eq!(first.expiry_date, text("2021-01-31 10:00:00"));
    assert_eq!(first.calibration_date, text("2020-02-01"));
    assert_eq!(first.installation_date, text("2020-01-31T20:00:00.000000Z"));
    assert_eq!((&second.customer_id, &second.status), (&beyond_bigint, &text("void")));
    assert_eq!((second.issue_date.clone(), second.speed.clone()), (text("infinity"), LegacyText::Null));

    let customers = source.customers(&[OldId(7)]).await.expect("customers");
    assert_eq!(customers[0].name, text("Noor Haddad"));
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let legacy = Legacy::with(
        "ALTER TABLE certificates DROP COLUMN remarks; DROP TABLE customers; ALTER TABLE technicians ALTER id TYPE text",
    )
    .await;
    let source = legacy.source().await;
    assert_eq!(
        problems(&source).await,
        [
            "source.certificates: column \"remarks\" does not exist",
            "source.customers: relation \"customers\" does not exist",
        ]
    );
    let error = source.certificates(&[OldId(1)]).await.expect_err("there is no such column");
    assert_eq!((error.class(), error.is_transient()), (Class::Query, false));
    assert!(error.to_string().ends_with("refused reading certificates: column \"remarks\" does not exist"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("source.certificates must return the columns id, ")));
}

#[tokio::test]
async fn every_missing_column_of_a_query_is_named() {
    let legacy = Legacy::empty().await;
    let settings = Settings {
        customers: Some("SELECT id, name, name, email FROM customers".into()),
        technicians: Some("SELECT id, name, phone, user_id FROM technicians WHERE".into()),
        ..Settings::default()
    };
    assert_eq!(
        problems(&legacy.source_with(&settings).await).await,
        [
            "source.customers: it returns 2 columns named name",
            "source.customers: it returns no column trade_license",
            "source.customers: it returns no column phone",
            "source.technicians: syntax error at or near \")\"",
        ]
    );
}

#[tokio::test]
async fn a_missing_grant_is_a_problem() {
    let legacy = Legacy::empty().await;
    let role = format!("reader_{}", std::process::id());
    legacy.execute(&format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON certificates, customers TO {role}")).await;
    let url = legacy.url().replace("user=postgres", &format!("user={role}"));
    let source = Source::connect(&url, &Settings::default()).await.expect("a source");
    assert_eq!(problems(&source).await, ["source.technicians: permission denied for table technicians"]);
}

/// The session only reads, whatever a query does.
#[tokio::test]
async fn a_query_that_writes_is_refused() {
    let legacy = Legacy::with("CREATE SEQUENCE counter").await;
    for query in [
        "SELECT nextval('counter') AS id, '' AS name, '' AS trade_license, '' AS email, '' AS phone",
        "WITH gone AS (DELETE FROM customers RETURNING *) SELECT * FROM gone",
    ] {
        let settings = Settings { customers: Some(query.into()), ..Settings::default() };
        let source = legacy.source_with(&settings).await;
        let error = source.customers(&[OldId(1)]).await.expect_err(query);
        assert_eq!(error.class(), Class::Query, "{error}");
    }
    let settings = Settings { customers: Some("DELETE FROM customers".into()), ..Settings::default() };
    let error = Source::connect(legacy.url(), &settings).await.expect_err("it is no SELECT");
    assert_eq!(error.to_string(), "the query source.customers cannot be used: it is not a SELECT");
}

/// A database without an encoding takes any bytes; one bad value must not hide its neighbours.
#[tokio::test]
async fn bytes_that_are_no_text_concern_one_value() {
    let server = Server::shared().await.expect("a server");
    let name = format!("without_encoding_{}", std::process::id());
    let legacy = Legacy::empty().await;
    legacy.execute(&format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")).await;
    let url = server.url(&name);
    let legacy = Legacy::at(url);
    legacy.execute(include_str!("../../../testkit/sql/legacy.sql")).await;
    legacy
        .execute(
            "INSERT INTO certificates (id, ecu_number, remarks) VALUES (1, 'ECU1', E'caf\\xe9'), (2, E'ECU2\\xff', 'fine')",
        )
        .await;
    let source = legacy.source().await;
    let certificates = source.certificates(&[1, 2].map(OldId)).await.expect("certificates");
    assert_eq!(certificates[0].remarks, LegacyText::Undecodable);
    assert_eq!(certificates[0].ecu_number, "ECU1".into());
    assert_eq!(certificates[1].ecu_number, LegacyText::Undecodable);
    assert_eq!(certificates[1].remarks, "fine".into());
    let selection = Selection::all().with_ecu_numbers(["ECU1", "ECU2"]);
    assert_eq!(source.ids_page(None, 9, &selection).await.expect("a page").ids, [OldId(1)]);
}

/// Whatever the server would write of them.
#[tokio::test]
async fn bytes_are_text_or_none() {
    let legacy = Legacy::empty().await;
    let texts = |source: Source| async move {
        let found = source.certificates(&[OldId(1)]).await.expect("a certificate");
        (found[0].certificate_number.clone(), found[0].remarks.clone(), found[0].user_id.clone())
    };
    legacy
        .execute(
            "ALTER TABLE certificates ALTER certificate_number TYPE bytea USING NULL, ALTER remarks TYPE bytea USING NULL,
                 ALTER user_id TYPE bytea USING NULL;
             INSERT INTO certificates (id, certificate_number, remarks, user_id) VALUES (1, 'N1', '\\x41ff', '7')",
        )
        .await;
    for output in ["hex", "escape"] {
        let setting = format!(
            "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET bytea_output = {output}', current_database()); END$$"
        );
        legacy.execute(&setting).await;
        let expected = (LegacyText::from("N1"), LegacyText::Undecodable, Reference::Id(OldId(7)));
        assert_eq!(texts(legacy.source().await).await, expected, "{output}");
    }
}
