//! Private MariaDB servers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use certferry_testkit::cases;
use certferry_testkit::mariadb::{Database, Server};
use sqlx::{Connection, MySqlConnection};

#[tokio::test]
async fn a_server_stops_starts_again_and_leaves_nothing_behind() {
    let server = Server::start().await.unwrap();
    server.address().create_database("kept").await.unwrap();
    server.stop_immediate().await.unwrap();
    assert!(MySqlConnection::connect(&server.address().url("kept")).await.is_err());
    server.start_again().await.unwrap();
    let mut connection = MySqlConnection::connect(&server.address().url("kept")).await.unwrap();
    let charset: String =
        sqlx::query_scalar("SELECT @@character_set_database").fetch_one(&mut connection).await.unwrap();
    assert_eq!(charset, "utf8mb4");
    let directory = server.address().directory().to_owned();
    drop(server);
    assert!(!directory.exists());
}

#[tokio::test]
async fn the_cases_can_be_loaded() {
    let database = Database::fresh().await.unwrap();
    cases::load_source(&database.url()).await.unwrap();
    let mut connection = MySqlConnection::connect(&database.url()).await.unwrap();
    let loaded: i64 = sqlx::query_scalar("SELECT count(*) FROM certificates").fetch_one(&mut connection).await.unwrap();
    assert_eq!(loaded, 2000);
}
