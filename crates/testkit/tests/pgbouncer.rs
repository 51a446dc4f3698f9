//! A private `PgBouncer`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::str::FromStr;

use certferry_testkit::pgbouncer::{Error, PgBouncer};
use certferry_testkit::postgres::Server;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn it_stands_before_a_server_and_can_be_stopped_and_started_again() {
    let server = Server::shared().await.unwrap();
    let bouncer = match PgBouncer::start(&server, 2).await {
        Err(error @ Error::NotInstalled) => {
            eprintln!("left out: {error}");
            return;
        }
        bouncer => bouncer.unwrap(),
    };
    let options = PgConnectOptions::from_str(&bouncer.url("postgres")).unwrap();
    let options = options.extra_float_digits(None).statement_cache_capacity(0);
    let mut connections = Vec::new();
    for _ in 0..4 {
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql("SELECT 1").execute(&mut connection).await.unwrap();
        connections.push(connection);
    }
    bouncer.stop_immediate().await.unwrap();
    assert!(sqlx::raw_sql("SELECT 1").execute(&mut connections[0]).await.is_err());
    assert!(PgConnection::connect_with(&options).await.is_err());
    bouncer.start_again().await.unwrap();
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("SELECT 1").execute(&mut connection).await.unwrap();
}
