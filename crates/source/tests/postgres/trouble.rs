//! A source that is away, slow or not to be entered.

use std::time::Duration;

use certferry_certificate::OldId;
use certferry_source::{Class, Error, Selection, Settings, Source};
use certferry_testkit::postgres;
use sqlx::Connection;
use tokio::net::TcpListener;

use crate::legacy::Legacy;

async fn refusal(url: &str) -> Error {
    let settings = Settings { connect_timeout: Duration::from_millis(300), ..Settings::default() };
    Source::connect(url, &settings).await.expect_err(url)
}

#[tokio::test]
async fn a_wrong_url_says_what_is_wrong() {
    for (url, message) in [
        ("legacy", "the source URL cannot be used: it has no scheme such as postgres://"),
        (
            "oracle://db/legacy",
            "the source URL cannot be used: there is no reader for oracle: it reads postgres://, \
             mysql://, mariadb:// and sqlite:",
        ),
        ("postgres://me:sesame@db:port/legacy", "the source URL cannot be used: invalid port number"),
    ] {
        let error = refusal(url).await;
        assert_eq!((error.to_string().as_str(), error.class()), (message, Class::Configuration));
        assert!(error.hint().is_some());
    }
}

#[tokio::test]
async fn an_unreachable_server_is_a_connection_error_without_the_password() {
    let error = refusal("postgres://me:sesame@127.0.0.1:1/legacy").await;
    assert_eq!((error.class(), error.is_transient()), (Class::Connection, true));
    let expected = "no connection to the source postgres://me@127.0.0.1:1/legacy: Connection refused (os error 111)";
    assert_eq!(error.to_string(), expected);
    assert!(!format!("{error:?}").contains("sesame"));

    let error = refusal("postgres:///legacy?host=/no/such/directory&user=me&password=sesame").await;
    assert_eq!(error.class(), Class::Connection);
    assert!(!format!("{error:?} {error}").contains("sesame"), "{error}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("an address");
    let error = refusal(&format!("postgres://me:sesame@{address}/legacy")).await;
    assert_eq!((error.class(), error.is_transient()), (Class::Timeout, true));
    assert!(error.to_string().ends_with("did not answer within 300ms while connecting"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_a_matter_of_configuration() {
    let legacy = Legacy::empty().await;
    let (before, after) = legacy.url().split_once('?').expect("parameters");
    let error = refusal(&format!("{before}_gone?{after}")).await;
    assert_eq!((error.class(), error.is_transient()), (Class::Configuration, false));
    assert!(error.to_string().contains("_gone\" does not exist"), "{error}");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up() {
    let legacy = Legacy::certificates(&[(1, "ECU1")]).await;
    let settings = Settings {
        certificates: Some("SELECT certificates.* FROM certificates, pg_sleep(60)".into()),
        statement_timeout: Duration::from_millis(100),
        ..Settings::default()
    };
    let source = legacy.source_with(&settings).await;
    let error = source.certificates(&[OldId(1)]).await.expect_err("it is too slow");
    assert_eq!((error.class(), error.is_transient()), (Class::Timeout, true));
    assert!(error.to_string().ends_with("did not answer within 100ms while reading certificates"), "{error}");
    assert_eq!(source.count(&Selection::all()).await.expect("no count is no error"), None);
}

#[tokio::test]
async fn a_lock_on_the_legacy_table_is_waited_for_no_longer_than_the_timeout() {
    let legacy = Legacy::certificates(&[(1, "ECU1")]).await;
    let settings = Settings { statement_timeout: Duration::from_millis(100), ..Settings::default() };
    let source = legacy.source_with(&settings).await;
    let mut locker = sqlx::PgConnection::connect(legacy.url()).await.expect("a connection");
    lock(&mut locker).await;
    let error = source.ids_page(None, 5, &Selection::all()).await.expect_err("it is locked");
    assert_eq!(error.class(), Class::Timeout);
    drop(locker);
}

async fn lock(connection: &mut sqlx::PgConnection) {
    sqlx::raw_sql("BEGIN; LOCK TABLE certificates").execute(connection).await.expect("a lock");
}

#[tokio::test]
async fn after_an_outage_it_reads_again() {
    let durability = postgres::Durability::Full;
    let settings = postgres::Settings { durability, ..postgres::Settings::default() };
    let server = postgres::Server::start(settings).await.expect("a server");
    server.create_database("legacy").await.expect("a database");
    let legacy = Legacy::at(server.url("legacy"));
    legacy.execute(include_str!("../../../testkit/sql/legacy.sql")).await;
    legacy.execute("INSERT INTO certificates (id) VALUES (1)").await;
    let settings = Settings { acquire_timeout: Duration::from_secs(2), ..Settings::default() };
    let source = legacy.source_with(&settings).await;
    assert_eq!(source.certificates(&[OldId(1)]).await.expect("certificates").len(), 1);

    server.stop_immediate().await.expect("it stops");
    for _ in 0..2 {
        let error = source.certificates(&[OldId(1)]).await.expect_err("the server is away");
        assert!(error.is_transient(), "{error}");
    }
    server.start_again().await.expect("it starts");
    assert_eq!(source.certificates(&[OldId(1)]).await.expect("certificates").len(), 1);
}
