//! Values of every type, in whatever session time zone, SQL mode and character set.

use certferry_certificate::{LegacyCertificate, LegacyText, OldId, Reference};
use certferry_source::{Selection, Settings, Source};
use certferry_testkit::mariadb;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use crate::legacy::{Engine, Legacy};
use crate::on_every_engine;

on_every_engine!(
    integers_of_any_width_are_read,
    long_remarks_and_odd_characters_come_through,
    numbers_as_text_and_text_as_numbers_are_read,
);

/// All that a test does not speak of, as NULL.
fn certificates(select: &str, from: &str) -> Settings {
    let named = |name: &&&str| !select.split_whitespace().any(|word| word.trim_end_matches(',') == **name);
    let others: Vec<String> = certferry_source::Entity::Certificates
        .columns()
        .iter()
        .filter(named)
        .map(|name| format!("NULL AS {name}"))
        .collect();
    let query = format!("SELECT {select}, {} FROM {from}", others.join(", "));
    Settings { certificates: Some(query), ..Settings::default() }
}

async fn read(source: &Source, ids: &[i64]) -> Vec<LegacyCertificate> {
    let ids: Vec<OldId> = ids.iter().copied().map(OldId).collect();
    source.certificates(&ids).await.expect("certificates")
}

fn id(id: i64) -> Reference {
    Reference::Id(OldId(id))
}

fn unreadable(raw: &str) -> Reference {
    Reference::Unreadable(Some(raw.to_owned()))
}

fn text(text: &str) -> LegacyText {
    text.into()
}

async fn integers_of_any_width_are_read(legacy: Legacy) {
    legacy
        .execute(
            "CREATE TABLE widths (id DECIMAL(19, 0) PRIMARY KEY, small SMALLINT, middle INTEGER, wide BIGINT,
                                  exact DECIMAL(20, 2));
             INSERT INTO widths VALUES (9223372036854775807, -32768, 2147483647, -9223372036854775808, 1234567.00),
                                       (-9223372036854775808, 1, NULL, 9223372036854775807, 0.50),
                                       (0, 0, 0, 0, -7)",
        )
        .await;
    let settings = certificates(
        "id AS id, small AS customer_id, middle AS user_id, wide AS calibration_technician_id,
         exact AS installation_technician_id",
        "widths",
    );
    let source = legacy.source_with(&settings).await;
    let page = source.ids_page(None, 10, &Selection::all()).await.expect("a page");
    if legacy.engine != Engine::Sqlite {
        assert_eq!(page.ids, [i64::MIN, 0, i64::MAX].map(OldId));
    }
    let found = read(&source, &[i64::MIN, 0, i64::MAX]).await;
    let references = |one: &LegacyCertificate| {
        [&one.customer_id, &one.user_id, &one.calibration_technician_id, &one.installation_technician_id]
            .map(Clone::clone)
    };
    let middle = found.iter().find(|one| one.id.0 == 0).expect("0");
    assert_eq!(references(middle), [id(0), id(0), id(0), id(-7)]);
    let highest = found.iter().find(|one| one.id.0 == i64::MAX).expect("the highest");
    assert_eq!(references(highest), [id(-32768), id(2_147_483_647), id(i64::MIN), id(1_234_567)]);
    let lowest = found.iter().find(|one| one.id.0 == i64::MIN).expect("the lowest");
    // SQLite keeps a number and not how many decimals it was written with.
    let half = if legacy.engine == Engine::Sqlite { "0.5" } else { "0.50" };
    assert_eq!(references(lowest), [id(1), Reference::Missing, id(i64::MAX), unreadable(half)]);
}

async fn long_remarks_and_odd_characters_come_through(legacy: Legacy) {
    let long = "ملاحظة 🚚 it's \\ \"quoted\"; -- ".repeat(2000)[..65_500].trim_end_matches('\u{fffd}').to_owned();
    let quoted = long.replace('\'', "''");
    legacy
        .execute(&format!("INSERT INTO certificates (id, remarks, vehicle_type) VALUES (1, '{quoted}', 'O''Neill\\')"))
        .await;
    let found = read(&legacy.source().await, &[1]).await;
    assert_eq!(found[0].remarks, text(&long));
    assert_eq!(found[0].vehicle_type, text("O'Neill\\"));
    // A NUL is a character, and what it means is decided elsewhere. PostgreSQL has none in its text.
    let nul = match legacy.engine {
        Engine::Postgres => return,
        Engine::Mariadb => "CONCAT('a', CHAR(0), 'b')",
        Engine::Sqlite => "'a' || char(0) || 'b'",
    };
    legacy.execute(&format!("INSERT INTO certificates (id, ecu_number) VALUES (2, {nul})")).await;
    let source = legacy.source().await;
    assert_eq!(read(&source, &[2]).await[0].ecu_number, text("a\0b"));
    let selection = Selection::all().with_ids([OldId(2)]);
    assert_eq!(source.ids_page(None, 5, &selection).await.expect("a page").ids, [OldId(2)]);
}

async fn numbers_as_text_and_text_as_numbers_are_read(legacy: Legacy) {
    legacy
        .execute(
            "CREATE TABLE mixed (id BIGINT PRIMARY KEY, kmh DECIMAL(5, 1), ecu BIGINT, client VARCHAR(20), fresh VARCHAR(5));
             INSERT INTO mixed VALUES (1, 80.5, 123456789012345678, ' 42 ', '1'), (2, 100, -5, 'n/a', 'true')",
        )
        .await;
    let settings = certificates(
        "id AS id, kmh AS speed, ecu AS ecu_number, client AS customer_id, fresh AS new_registration",
        "mixed",
    );
    let source = legacy.source_with(&settings).await;
    let found = read(&source, &[1, 2]).await;
    assert_eq!((found[0].speed.clone(), found[0].ecu_number.clone()), (text("80.5"), text("123456789012345678")));
    assert_eq!((&found[0].customer_id, &found[0].new_registration), (&id(42), &text("1")));
    let placeholder = Reference::Placeholder("n/a".to_owned());
    assert_eq!((&found[1].customer_id, &found[1].new_registration), (&placeholder, &text("true")));
    let selection = Selection::all().with_ecu_numbers(["123456789012345678"]);
    assert_eq!(source.ids_page(None, 5, &selection).await.expect("a page").ids, [OldId(1)]);
}

const LICENCES: &str = "
    CREATE TABLE licence (
        id INT UNSIGNED PRIMARY KEY, number CHAR(12), unit VARCHAR(20) CHARACTER SET latin1, client BIGINT UNSIGNED,
        clerk MEDIUMINT ZEROFILL, fresh BIT(1), voided TINYINT(1), kmh FLOAT,
        make VARCHAR(40) CHARACTER SET cp1256, plate VARCHAR(40) CHARACTER SET utf8mb3,
        state ENUM('valid', 'void') CHARACTER SET latin1, chassis VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin,
        issued DATETIME(3), expires DATETIME, calibrated DATE, installed TIMESTAMP NULL, notes BLOB
    );
    INSERT INTO licence VALUES
        (1, 'L-1', x'454355e9', 18446744073709551615, 7, b'1', 1, 80.5, x'c7c8', 'دبي', 'void', x'e9',
         '2020-01-31 10:00:00.5', '0000-00-00', '2020-00-10', '2020-01-31 19:30:00', x'636166c3a9'),
        (4294967295, 'L-2  ', 'ECU2', 9223372036854775807, 12, b'0', 0, 100, x'3f8a', '', 'valid', '?',
         '0000-00-00', '2020-01-10 00:00:00', '0000-00-00', NULL, x'636166e9'),
        (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);";

fn of_licences() -> Settings {
    certificates(
        "id AS id, number AS certificate_number, unit AS ecu_number, client AS customer_id, clerk AS user_id,
         fresh AS new_registration, voided AS calibration_technician_id, kmh AS speed, make AS vehicle_type,
         plate AS vehicle_registration_number, chassis AS vehicle_chassis_number, state AS status,
         issued AS issue_date, expires AS expiry_date, calibrated AS calibration_date, installed AS installation_date,
         notes AS remarks",
        "licence",
    )
}

/// MariaDB's own types, on a server as it comes and on one with settings of every other kind.
#[tokio::test]
async fn every_type_of_mariadb_is_read_whatever_the_servers_settings() {
    let server = mariadb::Server::start().await.expect("a server");
    let database = mariadb::Database::on(server.address()).await.expect("a database");
    let mut connection = MySqlConnection::connect(&database.url()).await.expect("a connection");
    let statements = format!("SET sql_mode = '', time_zone = '+00:00'; {LICENCES}");
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.expect("licences");
    for settings in [
        "SELECT 1",
        "SET GLOBAL time_zone = '+05:45', GLOBAL character_set_server = 'latin1', GLOBAL tx_read_only = 0,
             GLOBAL sql_mode = 'TRADITIONAL,ANSI,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,HIGH_NOT_PRECEDENCE'",
    ] {
        sqlx::raw_sql(settings).execute(&mut connection).await.expect("settings");
        let source = Source::connect(&database.url(), &of_licences()).await.expect("a source");
        let found = read(&source, &[1, 3, 4_294_967_295]).await;
        let [first, bare, last] = found.as_slice() else { panic!("three certificates: {found:?}") };
        assert_eq!((first.certificate_number.clone(), last.certificate_number.clone()), (text("L-1"), text("L-2")));
        assert_eq!((first.ecu_number.clone(), last.ecu_number.clone()), (text("ECUé"), text("ECU2")));
        assert_eq!((&first.customer_id, &last.customer_id), (&unreadable("18446744073709551615"), &id(i64::MAX)));
        assert_eq!((&first.user_id, &last.user_id), (&id(7), &id(12)));
        assert_eq!((&first.new_registration, &last.new_registration), (&text("1"), &text("0")));
        assert_eq!((&bare.new_registration, &bare.customer_id), (&LegacyText::Null, &Reference::Missing));
        assert_eq!(first.calibration_technician_id, id(1));
        assert_eq!((first.speed.clone(), last.speed.clone()), (text("80.5"), text("100")));
        assert_eq!((first.vehicle_type.clone(), last.vehicle_type.clone()), (text("اب"), LegacyText::Undecodable));
        assert_eq!(first.vehicle_registration_number, text("دبي"));
        assert_eq!((first.vehicle_chassis_number.clone(), last.vehicle_chassis_number.clone()), (text("é"), text("?")));
        assert_eq!((first.status.clone(), last.status.clone()), (text("void"), text("valid")));
        assert_eq!(
            (first.issue_date.clone(), last.issue_date.clone()),
            (text("2020-01-31 10:00:00.500"), text("0000-00-00 00:00:00.000"))
        );
        assert_eq!(
            (first.expiry_date.clone(), last.expiry_date.clone()),
            (text("0000-00-00 00:00:00"), text("2020-01-10 00:00:00"))
        );
        assert_eq!(
            (first.calibration_date.clone(), last.calibration_date.clone()),
            (text("2020-00-10"), text("0000-00-00"))
        );
        assert_eq!(
            (first.installation_date.clone(), last.installation_date.clone()),
            (text("2020-01-31T19:30:00.000000Z"), LegacyText::Null)
        );
        assert_eq!((first.remarks.clone(), last.remarks.clone()), (text("café"), LegacyText::Undecodable));
        let selection = Selection::all().with_ecu_numbers(["ECUé", "ecu2"]);
        assert_eq!(source.ids_page(None, 9, &selection).await.expect("a page").ids, [OldId(1)]);
    }
}

/// What bypassed the server's own check: the table's definition says UTF-8, its file has other bytes.
#[tokio::test]
async fn broken_utf8_in_a_text_column_of_mariadb_concerns_one_value() {
    let server = mariadb::Server::start().await.expect("a server");
    let database = mariadb::Database::on(server.address()).await.expect("a database");
    let mut connection = MySqlConnection::connect(&database.url()).await.expect("a connection");
    let statements = "
        CREATE TABLE bytes (id BIGINT PRIMARY KEY, remark VARBINARY(40)) ENGINE = MyISAM;
        INSERT INTO bytes VALUES (1, x'636166e9'), (2, x'636166c3a9');
        CREATE TABLE text (id BIGINT PRIMARY KEY, remark VARCHAR(10) CHARACTER SET utf8mb4) ENGINE = MyISAM;
        FLUSH TABLES";
    sqlx::raw_sql(statements).execute(&mut connection).await.expect("tables");
    let folder = server.address().directory().join("data").join(database.name());
    std::fs::write(folder.join("bytes.frm"), std::fs::read(folder.join("text.frm")).expect("a definition"))
        .expect("another definition");
    sqlx::raw_sql("FLUSH TABLES").execute(&mut connection).await.expect("it is read again");
    let settings = certificates("id AS id, remark AS remarks", "bytes");
    let source = Source::connect(&database.url(), &settings).await.expect("a source");
    let found = read(&source, &[1, 2]).await;
    assert_eq!((found[0].remarks.clone(), found[1].remarks.clone()), (LegacyText::Undecodable, text("café")));
}

#[tokio::test]
async fn any_value_in_any_column_of_sqlite_is_read() {
    for encoding in ["UTF-8", "UTF-16le"] {
        let legacy = Legacy::bare(Engine::Sqlite).await;
        legacy
            .execute(&format!(
                "PRAGMA encoding = '{encoding}';
                 CREATE TABLE anything (id INTEGER PRIMARY KEY, unit, client, fresh, kmh, issued, notes);
                 INSERT INTO anything VALUES
                     (-9223372036854775808, 'ECUé', '12', TRUE, 80.5, '2020-01-31', 'دبي'),
                     (5, 77, 12.0, '0', '100', 1580500800, NULL),
                     (9223372036854775807, ' ECUé ', x'3132', NULL, 80, NULL, '')"
            ))
            .await;
        let select = "id AS id, unit AS ecu_number, client AS customer_id, fresh AS new_registration, kmh AS speed,
                      issued AS issue_date, notes AS remarks";
        let source = legacy.source_with(&certificates(select, "anything")).await;
        let found = read(&source, &[i64::MIN, 5, i64::MAX]).await;
        assert_eq!(found.iter().map(|one| one.id.0).collect::<Vec<_>>(), [i64::MIN, 5, i64::MAX]);
        assert_eq!((found[0].remarks.clone(), found[2].remarks.clone()), (text("دبي"), text("")));
        assert_eq!((&found[0].customer_id, &found[1].customer_id), (&id(12), &id(12)));
        assert_eq!((&found[0].new_registration, &found[1].new_registration), (&text("1"), &text("0")));
        let speeds: Vec<_> = found.iter().map(|one| one.speed.clone()).collect();
        assert_eq!(speeds, [text("80.5"), text("100"), text("80")]);
        assert_eq!(found[1].issue_date, text("1580500800"));
        let selection = Selection::all().with_ecu_numbers(["ECUé", "77"]);
        let page = source.ids_page(None, 9, &selection).await.expect("a page");
        assert_eq!(page.ids, [i64::MIN, 5, i64::MAX].map(OldId), "{encoding}");
    }
}

#[tokio::test]
async fn broken_utf8_in_sqlite_concerns_one_value() {
    let legacy = Legacy::empty(Engine::Sqlite).await;
    legacy
        .execute(
            "INSERT INTO certificates (id, ecu_number, remarks)
             VALUES (1, 'ECU1', CAST(x'636166e9' AS TEXT)), (2, CAST(x'45435532ff' AS TEXT), x'636166c3a9')",
        )
        .await;
    let source = legacy.source().await;
    let found = read(&source, &[1, 2]).await;
    assert_eq!((found[0].ecu_number.clone(), found[0].remarks.clone()), (text("ECU1"), LegacyText::Undecodable));
    assert_eq!((found[1].ecu_number.clone(), found[1].remarks.clone()), (LegacyText::Undecodable, text("café")));
}

/// A byte that the database's own encoding does not know makes PostgreSQL refuse the whole answer.
#[tokio::test]
async fn a_byte_that_postgres_cannot_convert_concerns_one_value() {
    let server = certferry_testkit::postgres::Server::shared().await.expect("a server");
    let name = format!("windows_{}", std::process::id());
    let legacy = Legacy::empty(Engine::Postgres).await;
    legacy.execute(&format!("CREATE DATABASE {name} ENCODING 'WIN1252' LOCALE 'C' TEMPLATE template0")).await;
    let url = server.url(&name);
    certferry_testkit::load::legacy_schema(&url).await.expect("the reference schema");
    let mut connection = sqlx::PgConnection::connect(&url).await.expect("a connection");
    // 0x81 is no character of Windows-1252, but the server lets it in.
    let statements = "
        INSERT INTO certificates (id, ecu_number, remarks)
        SELECT id, 'ECU' || id, 'caf' || convert_from('\\xe9', 'WIN1252') FROM generate_series(1, 40) AS id;
        UPDATE certificates SET remarks = encode('a', 'escape') || chr(129) WHERE id = 17;
        UPDATE certificates SET ecu_number = 'ECU18' || chr(129) WHERE id = 18";
    sqlx::raw_sql(statements).execute(&mut connection).await.expect("rows");
    let source = Source::connect(&url, &Settings::default()).await.expect("a source");
    let ids: Vec<i64> = (1..=41).collect();
    let found = read(&source, &ids).await;
    assert_eq!(found.len(), 40);
    for one in &found {
        let remarks = if one.id.0 == 17 { LegacyText::Undecodable } else { text("café") };
        assert_eq!(one.remarks, remarks, "{}", one.id);
        let ecu_number = if one.id.0 == 18 { LegacyText::Undecodable } else { text(&format!("ECU{}", one.id)) };
        assert_eq!(one.ecu_number, ecu_number);
    }
    let all = ids.iter().copied().map(OldId);
    let page = source.ids_page(None, 100, &Selection::all().with_ids(all)).await.expect("a page");
    assert_eq!((page.ids.len(), page.absent), (40, vec![OldId(41)]));
    let selection = Selection::all().with_ecu_numbers(["ECU17", "ECU18"]);
    let page = source.ids_page(None, 100, &selection).await.expect("a page");
    assert_eq!(page.ids, [OldId(17)], "a number with a byte that is no character is another number");
}
