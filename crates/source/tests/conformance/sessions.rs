//! What a session does to values: its time zone, its modes, and how it writes numbers.

use certferry_certificate::{LegacyCertificate, LegacyText, OldId};
use certferry_source::{Class, Entity, Settings, Source};
use certferry_testkit::mariadb;
use chrono_tz::Tz;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use crate::legacy::{Engine, Legacy};

/// The certificate 1 of a query that selects these columns, and NULL for all others.
fn settings(select: &[(&str, &str)], from: &str) -> Settings {
    let column = |name: &&str| {
        let chosen = select.iter().find(|(chosen, _)| chosen == name);
        format!("{} AS {name}", chosen.map_or("NULL", |(_, sql)| *sql))
    };
    let columns: Vec<String> = Entity::Certificates.columns()[1..].iter().map(column).collect();
    Settings { certificates: Some(format!("SELECT id, {} FROM {from}", columns.join(", "))), ..Settings::default() }
}

async fn first(source: &Source) -> LegacyCertificate {
    source.certificates(&[OldId(1)]).await.expect("certificates").remove(0)
}

fn text(text: &str) -> LegacyText {
    text.into()
}

/// Half past eleven in the evening in Dubai is still the day before in UTC.
#[tokio::test]
async fn expressions_over_instants_of_postgres_are_of_the_configured_zone() {
    let legacy = Legacy::empty(Engine::Postgres).await;
    legacy
        .execute(
            "CREATE TABLE licence (id bigint PRIMARY KEY, issued timestamptz, forever timestamptz, ancient timestamptz);
             INSERT INTO licence VALUES (1, '2020-01-31 21:30:00.25+00', 'infinity', '2020-01-31 00:00:00+00 BC')",
        )
        .await;
    let settings = settings(
        &[
            ("issue_date", "issued::date"),
            ("calibration_date", "to_char(issued, 'DD/MM/YYYY HH24:MI')"),
            ("installation_date", "issued"),
            ("expiry_date", "forever"),
            ("remarks", "issued::text"),
            ("speed", "ancient"),
            ("status", "coalesce(NULL::timestamp, issued)::text"),
        ],
        "licence",
    );
    let read = first(&legacy.source_with(&settings).await).await;
    assert_eq!((read.issue_date, read.calibration_date), (text("2020-02-01"), text("01/02/2020 01:30")));
    assert_eq!(read.installation_date, text("2020-01-31T21:30:00.250000Z"));
    assert_eq!((read.expiry_date, read.remarks), (text("infinity"), text("2020-02-01 01:30:00.25+04")));
    let LegacyText::Text(ancient) = read.speed else { panic!("a text") };
    assert!(ancient.ends_with(" BC"), "{ancient}");
    assert_eq!(read.status, text("2020-02-01 01:30:00.25+04"));

    // An instant is exact where a wall-clock time comes twice.
    legacy.execute("INSERT INTO licence VALUES (2, '2020-10-25 00:30:00+00'), (3, '2020-10-25 01:30:00+00')").await;
    let settings = Settings { timezone: Tz::Europe__Berlin, ..settings };
    let source = legacy.source_with(&settings).await;
    let read = source.certificates(&[2, 3].map(OldId)).await.expect("certificates");
    let instants: Vec<_> = read.iter().map(|one| one.installation_date.clone()).collect();
    assert_eq!(instants, [text("2020-10-25T00:30:00.000000Z"), text("2020-10-25T01:30:00.000000Z")]);
}

/// The server's own order of day and month is that of the user's expressions.
#[tokio::test]
async fn postgres_reads_ambiguous_dates_as_its_own_settings_say() {
    let legacy = Legacy::empty(Engine::Postgres).await;
    legacy
        .execute(
            "CREATE TABLE licence (id bigint PRIMARY KEY, issued text); INSERT INTO licence VALUES (1, '02/01/2020')",
        )
        .await;
    for (style, date) in [("German, DMY", "2020-01-02"), ("SQL, MDY", "2020-02-01")] {
        legacy
            .execute(&format!(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = %L', current_database(), '{style}'); END $$"
            ))
            .await;
        let settings = settings(&[("issue_date", "issued::date")], "licence");
        assert_eq!(first(&legacy.source_with(&settings).await).await.issue_date, text(date), "{style}");
    }
}

#[tokio::test]
async fn floating_numbers_of_postgres_have_all_their_digits() {
    let legacy = Legacy::empty(Engine::Postgres).await;
    legacy
        .execute(
            "CREATE TABLE licence (id bigint PRIMARY KEY, client real, unit double precision, kmh real, nothing real);
             INSERT INTO licence VALUES (1, 1234567, 1e15, 80.1, 'NaN')",
        )
        .await;
    let select = [("certificate_number", "client"), ("ecu_number", "unit"), ("speed", "kmh"), ("remarks", "nothing")];
    let read = first(&legacy.source_with(&settings(&select, "licence")).await).await;
    assert_eq!((read.certificate_number, read.ecu_number), (text("1234567"), text("1000000000000000")));
    assert_eq!((read.speed, read.remarks), (text("80.1"), text("NaN")));
}

#[tokio::test]
async fn expressions_over_instants_of_mariadb_are_of_the_configured_zone() {
    let legacy = Legacy::empty(Engine::Mariadb).await;
    legacy
        .execute(
            "SET time_zone = '+00:00';
             CREATE TABLE licence (id BIGINT PRIMARY KEY, issued TIMESTAMP(2) NULL, epoch BIGINT, zero TIMESTAMP NULL);
             INSERT INTO licence VALUES (1, '2020-01-31 21:30:00.25', 1580506200, '0000-00-00 00:00:00')",
        )
        .await;
    let settings = settings(
        &[
            ("issue_date", "DATE(issued)"),
            ("calibration_date", "IFNULL(issued, '')"),
            ("installation_date", "issued"),
            ("expiry_date", "FROM_UNIXTIME(epoch)"),
            ("remarks", "CAST(issued AS CHAR)"),
            ("speed", "DATE_FORMAT(issued, '%d/%m/%Y %H:%i')"),
            ("status", "zero"),
        ],
        "licence",
    );
    let read = first(&legacy.source_with(&settings).await).await;
    assert_eq!((read.issue_date, read.calibration_date), (text("2020-02-01"), text("2020-02-01 01:30:00.25")));
    assert_eq!(read.installation_date, text("2020-01-31T21:30:00.250000Z"));
    assert_eq!((read.expiry_date, read.remarks), (text("2020-02-01 01:30:00"), text("2020-02-01 01:30:00.25")));
    assert_eq!((read.speed, read.status), (text("01/02/2020 01:30"), text("0000-00-00 00:00:00")));
}

/// A server without the tables of time zones knows offsets alone.
#[tokio::test]
async fn a_zone_that_changes_needs_the_servers_own_tables() {
    let legacy = Legacy::empty(Engine::Mariadb).await;
    let settings = Settings { timezone: Tz::Europe__Berlin, ..Settings::default() };
    let error = Source::connect(legacy.url(), &settings).await.expect_err("the tables are empty");
    assert_eq!(error.class(), Class::Configuration, "{error}");
    assert!(error.to_string().contains("does not know the time zone Europe/Berlin"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("mysql_tzinfo_to_sql")));
    // Once it has them, an instant is exact where a wall-clock time comes twice.
    let server = mariadb::Server::start().await.expect("a server");
    let database = mariadb::Database::on(server.address()).await.expect("a database");
    let mut connection = MySqlConnection::connect(&database.url()).await.expect("a connection");
    let statements = "
        SET time_zone = '+00:00';
        CREATE TABLE licence (id BIGINT PRIMARY KEY, issued TIMESTAMP NULL);
        INSERT INTO licence VALUES (1, '2020-10-25 00:30:00'), (2, '2020-10-25 01:30:00');
        INSERT INTO mysql.time_zone (Time_zone_id, Use_leap_seconds) VALUES (1, 'N');
        INSERT INTO mysql.time_zone_name VALUES ('Europe/Berlin', 1);
        INSERT INTO mysql.time_zone_transition_type VALUES (1, 0, 3600, 0, 'CET'), (1, 1, 7200, 1, 'CEST');
        INSERT INTO mysql.time_zone_transition VALUES (1, 1585443600, 1), (1, 1603587600, 0)";
    sqlx::raw_sql(statements).execute(&mut connection).await.expect("a zone");
    let select = self::settings(&[("installation_date", "issued"), ("remarks", "CAST(issued AS CHAR)")], "licence");
    let source =
        Source::connect(&database.url(), &Settings { timezone: Tz::Europe__Berlin, ..select }).await.expect("a source");
    let read = source.certificates(&[1, 2].map(OldId)).await.expect("certificates");
    let instants: Vec<_> = read.iter().map(|one| one.installation_date.clone()).collect();
    assert_eq!(instants, [text("2020-10-25T00:30:00.000000Z"), text("2020-10-25T01:30:00.000000Z")]);
    assert_eq!(
        (read[0].remarks.clone(), read[1].remarks.clone()),
        (text("2020-10-25 02:30:00"), text("2020-10-25 02:30:00"))
    );
}

#[tokio::test]
async fn floating_numbers_of_mariadb_have_all_their_digits() {
    let legacy = Legacy::empty(Engine::Mariadb).await;
    legacy
        .execute(
            "CREATE TABLE licence (id BIGINT PRIMARY KEY, client FLOAT, unit DOUBLE, kmh FLOAT, clerk FLOAT);
             INSERT INTO licence VALUES (1, 1234567, 1e15, 80.1, 2.5)",
        )
        .await;
    let select = [("certificate_number", "client"), ("ecu_number", "unit"), ("speed", "kmh"), ("remarks", "clerk")];
    let read = first(&legacy.source_with(&settings(&select, "licence")).await).await;
    assert_eq!((read.certificate_number, read.ecu_number), (text("1234567"), text("1000000000000000")));
    assert_eq!((read.speed, read.remarks), (text("80.1"), text("2.5")));
}

/// A query means what it means to the server it was written for.
#[tokio::test]
async fn a_query_is_read_in_the_servers_own_mode() {
    let server = mariadb::Server::start().await.expect("a server");
    let database = mariadb::Database::on(server.address()).await.expect("a database");
    let mut connection = MySqlConnection::connect(&database.url()).await.expect("a connection");
    let statements = "
        CREATE TABLE licence (id BIGINT PRIMARY KEY, `first name` VARCHAR(20), last VARCHAR(20), issued DATE, note VARCHAR(9));
        SET sql_mode = '';
        INSERT INTO licence VALUES (1, 'Noor', 'Haddad', '0000-00-00', 'a?c')";
    sqlx::raw_sql(statements).execute(&mut connection).await.expect("a licence");
    for (mode, expression, expected) in [
        (
            "PIPES_AS_CONCAT,STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE",
            "`first name` || ' ' || last",
            "Noor Haddad",
        ),
        ("ANSI,NO_BACKSLASH_ESCAPES", r#""first name" || '\' || last"#, r"Noor\Haddad"),
        ("TRADITIONAL,ONLY_FULL_GROUP_BY", r"CONCAT(`first name`, '\\', last)", r"Noor\Haddad"),
        ("NO_BACKSLASH_ESCAPES", r"CONCAT(`first name`, '\\', last)", r"Noor\\Haddad"),
        ("EMPTY_STRING_IS_NULL", "IFNULL(NULLIF(last, ''), 'none')", "Haddad"),
        ("ORACLE", "last || '!'", "Haddad!"),
        ("", "last || 'x'", "0"),
    ] {
        let set = format!("SET GLOBAL sql_mode = '{mode}'");
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut connection).await.expect(mode);
        let select = [("remarks", expression), ("issue_date", "issued"), ("vehicle_type", "note")];
        let source = Source::connect(&database.url(), &settings(&select, "licence")).await.expect(mode);
        let read = first(&source).await;
        assert_eq!(
            (read.remarks, read.issue_date, read.vehicle_type),
            (text(expected), text("0000-00-00"), text("a?c")),
            "{mode}"
        );
        let selection = certferry_source::Selection::all();
        assert_eq!(source.ids_page(None, 5, &selection).await.expect(mode).ids, [OldId(1)]);
    }
}

/// SQLite has no session zone: its functions give UTC, and what is to be local says so.
#[tokio::test]
async fn references_of_sqlite_have_all_their_digits() {
    let legacy = Legacy::empty(Engine::Sqlite).await;
    legacy
        .execute("CREATE TABLE licence (id INTEGER PRIMARY KEY, client REAL, issued INTEGER); INSERT INTO licence VALUES (1, 1e15, 1580506200)")
        .await;
    let select = [
        ("customer_id", "client"),
        ("issue_date", "strftime('%Y-%m-%dT%H:%M:%SZ', issued, 'unixepoch')"),
        ("remarks", "date(issued, 'unixepoch', '+4 hours')"),
    ];
    let read = first(&legacy.source_with(&settings(&select, "licence")).await).await;
    assert_eq!(format!("{:?}", read.customer_id).matches("1000000000000000").count(), 1);
    assert_eq!((read.issue_date, read.remarks), (text("2020-01-31T21:30:00Z"), text("2020-02-01")));
}
