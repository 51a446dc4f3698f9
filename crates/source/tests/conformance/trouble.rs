//! A source that is away, slow, locked or not to be entered, and queries that would write.

use std::time::Duration;

use certferry_certificate::OldId;
use certferry_source::{Class, Error, Selection, Settings, Source};
use certferry_testkit::mariadb;

use crate::legacy::{Engine, Legacy};
use crate::on_every_engine;

on_every_engine!(
    a_statement_that_takes_too_long_is_given_up,
    what_is_no_select_is_refused,
    a_query_of_more_than_one_statement_changes_nothing,
    a_table_that_is_gone_is_not_transient,
);

/// Rows without end, or nearly so.
fn endless(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "SELECT certificates.* FROM certificates, pg_sleep(60)",
        Engine::Mariadb => "SELECT certificates.*, SLEEP(60) AS slept FROM certificates",
        Engine::Sqlite => {
            "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 1000000000)
             SELECT certificates.*, (SELECT max(n) FROM number) AS m FROM certificates"
        }
    }
}

async fn a_statement_that_takes_too_long_is_given_up(legacy: Legacy) {
    legacy.insert_certificates([(1, "ECU1")]).await;
    let settings = Settings {
        certificates: Some(format!("SELECT * FROM ({}) AS endless WHERE 1 = 1", endless(legacy.engine))),
        statement_timeout: Duration::from_millis(200),
        ..Settings::default()
    };
    // MariaDB and SQLite leave out what is not asked for.
    let settings = match legacy.engine {
        Engine::Postgres => settings,
        Engine::Mariadb => {
            // MySQL would end a sleep as if it were over.
            let columns = "information_schema.columns";
            let slow = if mariadb::is_mysql() {
                format!("(SELECT count(*) FROM {columns} AS a, {columns} AS b, {columns} AS c)")
            } else {
                "SLEEP(60)".to_owned()
            };
            Settings { certificates: Some(format!("SELECT * FROM certificates WHERE {slow} = 0")), ..settings }
        }
        Engine::Sqlite => Settings {
            certificates: Some(
                "SELECT * FROM certificates WHERE 0 < (
                     WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 1000000000)
                     SELECT max(n) FROM number)"
                    .into(),
            ),
            ..settings
        },
    };
    let source = legacy.source_with(&settings).await;
    let error = source.certificates(&[OldId(1)]).await.expect_err("it is too slow");
    assert_eq!((error.class(), error.is_transient()), (Class::Timeout, true), "{error}");
    assert!(error.to_string().ends_with("did not answer within 200ms while reading certificates"), "{error}");
    assert_eq!(source.count(&Selection::all()).await.expect("no count is no error"), None);
}

async fn what_is_no_select_is_refused(legacy: Legacy) {
    for query in ["DELETE FROM customers", "SET GLOBAL x = 1", "PRAGMA writable_schema = 1", "CALL p()"] {
        let settings = Settings { customers: Some(query.into()), ..Settings::default() };
        let error = Source::connect(legacy.url(), &settings).await.expect_err(query);
        assert_eq!(error.to_string(), "the query source.customers cannot be used: it is not a SELECT");
        assert_eq!(error.class(), Class::Configuration);
    }
}

async fn a_query_of_more_than_one_statement_changes_nothing(legacy: Legacy) {
    legacy.execute("INSERT INTO customers (id, name) VALUES (1, 'Pearl')").await;
    let query = "SELECT * FROM customers) AS customer; DELETE FROM customers; SELECT * FROM (SELECT * FROM customers";
    let settings = Settings { customers: Some(query.into()), ..Settings::default() };
    let source = legacy.source_with(&settings).await;
    let error = source.customers(&[OldId(1)]).await.expect_err("it is more than a SELECT");
    assert_eq!(error.class(), Class::Query, "{error}");
    assert_eq!(legacy.source().await.customers(&[OldId(1)]).await.expect("customers").len(), 1);
}

async fn a_table_that_is_gone_is_not_transient(legacy: Legacy) {
    let source = legacy.source().await;
    legacy.execute("DROP TABLE customers").await;
    let error = source.customers(&[OldId(1)]).await.expect_err("there is no such table");
    assert_eq!((error.class(), error.is_transient()), (Class::Query, false), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("source.customers must return the columns id, name")));
}

async fn refusal(url: &str) -> Error {
    let settings = Settings { connect_timeout: Duration::from_secs(2), ..Settings::default() };
    Source::connect(url, &settings).await.expect_err(url)
}

#[tokio::test]
async fn an_unreachable_mariadb_is_a_connection_error_without_the_password() {
    for url in
        ["mysql://me:sesame@127.0.0.1:1/legacy", "mariadb://me:sesame@localhost/legacy?socket=/no/such/directory/s"]
    {
        let error = refusal(url).await;
        assert_eq!((error.class(), error.is_transient()), (Class::Connection, true), "{error}");
        assert!(error.hint().is_some());
        assert!(!format!("{error:?} {error}").contains("sesame"), "{error}");
    }
}

#[tokio::test]
async fn a_mariadb_that_lets_nobody_in_is_a_matter_of_configuration() {
    let legacy = Legacy::empty(Engine::Mariadb).await;
    let name = format!("reader_{}", std::process::id());
    legacy.execute(&format!("CREATE USER {name}@localhost IDENTIFIED BY 'sesame'")).await;
    let as_user = |user: &str| legacy.url().replace("root@", &format!("{user}@"));
    for url in
        [as_user(&format!("{name}:wrong")), legacy.url().replace('?', "_gone?"), as_user(&format!("{name}:sesame"))]
    {
        let error = refusal(&url).await;
        assert_eq!((error.class(), error.is_transient()), (Class::Configuration, false), "{error}");
        assert!(!error.to_string().contains("sesame"));
    }
    // With a grant on some of the tables it names the one that is missing.
    legacy.execute(&format!("GRANT SELECT ON certificates TO {name}@localhost")).await;
    legacy.execute(&format!("GRANT SELECT ON customers TO {name}@localhost")).await;
    let source = Source::connect(&as_user(&format!("{name}:sesame")), &Settings::default()).await.expect("a source");
    let checks = source.check().await.expect("a check");
    let problems: Vec<String> = checks.iter().flat_map(|check| &check.problems).map(ToString::to_string).collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("source.technicians: SELECT command denied"), "{problems:?}");
}

#[tokio::test]
async fn after_an_outage_mariadb_is_read_again() {
    let server = mariadb::Server::start().await.expect("a server");
    let database = mariadb::Database::on(server.address()).await.expect("a database");
    certferry_testkit::cases::load_source(&database.url()).await.expect("the cases");
    let settings = Settings { acquire_timeout: Duration::from_millis(200), ..Settings::default() };
    let source = Source::connect(&database.url(), &settings).await.expect("a source");
    assert_eq!(source.certificates(&[OldId(1)]).await.expect("certificates").len(), 1);

    server.stop_immediate().await.expect("it stops");
    for _ in 0..2 {
        let error = source.certificates(&[OldId(1)]).await.expect_err("the server is away");
        assert!(error.is_transient(), "{error}");
    }
    server.start_again().await.expect("it starts");
    assert_eq!(source.certificates(&[OldId(1)]).await.expect("certificates").len(), 1);
}

#[tokio::test]
async fn a_mariadb_without_tls_says_what_to_do_where_tls_is_asked_for() {
    let legacy = Legacy::empty(Engine::Mariadb).await;
    let error = refusal(&format!("{}&ssl-mode=REQUIRED", legacy.url())).await;
    assert_eq!(error.class(), Class::Configuration, "{error}");
    assert!(error.to_string().ends_with("the server does not offer TLS"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("ssl-mode=DISABLED")), "{error}");
}

/// Nothing is held open between two questions: what the legacy system wants to do, it can.
#[tokio::test]
async fn between_questions_nothing_is_locked_in_mariadb() {
    let legacy = Legacy::empty(Engine::Mariadb).await;
    legacy.insert_certificates([(1, "ECU1")]).await;
    let source = legacy.source().await;
    assert_eq!(source.certificates(&[OldId(1)]).await.expect("certificates").len(), 1);
    // An open transaction would keep the table's shape.
    legacy.execute("SET lock_wait_timeout = 1; ALTER TABLE certificates ADD COLUMN more INT").await;
    assert_eq!(source.certificates(&[OldId(1)]).await.expect("certificates").len(), 1);
}

#[tokio::test]
async fn a_function_that_writes_is_refused_by_mariadb() {
    let legacy = Legacy::empty(Engine::Mariadb).await;
    legacy
        .execute(
            "INSERT INTO customers (id) VALUES (1);
             CREATE FUNCTION gone() RETURNS INT MODIFIES SQL DATA BEGIN DELETE FROM customers; RETURN 1; END",
        )
        .await;
    let query = "SELECT id, gone() AS name, NULL AS trade_license, NULL AS email, NULL AS phone FROM customers";
    let settings = Settings { customers: Some(query.into()), ..Settings::default() };
    let error = legacy.source_with(&settings).await.customers(&[OldId(1)]).await.expect_err("it writes");
    assert_eq!(error.class(), Class::Query, "{error}");
    assert!(error.to_string().contains("READ ONLY"), "{error}");
}

#[tokio::test]
async fn a_sqlite_file_that_is_none_is_a_matter_of_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let absent = refusal(&format!("sqlite:{}", folder.path().join("gone.db").display())).await;
    assert_eq!(absent.class(), Class::Configuration);
    assert!(absent.to_string().ends_with("gone.db refuses the connection: there is no such file"), "{absent}");
    assert!(!folder.path().join("gone.db").exists());
    let text = folder.path().join("letter.db");
    std::fs::write(&text, "Dear Sir or Madam, this is a letter and no database at all.".repeat(100)).expect("a file");
    let error = refusal(&format!("sqlite:{}", text.display())).await;
    assert_eq!(error.class(), Class::Configuration, "{error}");
}

#[tokio::test]
async fn a_sqlite_file_that_somebody_writes_is_waited_for_no_longer_than_the_timeout() {
    let legacy = Legacy::empty(Engine::Sqlite).await;
    legacy.insert_certificates([(1, "ECU1")]).await;
    let settings = Settings { statement_timeout: Duration::from_millis(200), ..Settings::default() };
    let source = legacy.source_with(&settings).await;
    let mut writer = <sqlx::SqliteConnection as sqlx::Connection>::connect(legacy.url()).await.expect("a connection");
    sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut writer).await.expect("a lock");
    let error = source.certificates(&[OldId(1)]).await.expect_err("it is locked");
    assert_eq!((error.class(), error.is_transient()), (Class::Unavailable, true), "{error}");
    sqlx::raw_sql("ROLLBACK").execute(&mut writer).await.expect("no lock");
    assert_eq!(source.certificates(&[OldId(1)]).await.expect("certificates").len(), 1);
}
