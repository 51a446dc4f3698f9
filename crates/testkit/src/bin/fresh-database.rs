//! Makes a database anew on the server of `with-postgres`, from files of SQL, and prints its URL: for
//! `make sqlx-prepare`, so that no `psql` is needed.

use std::env;
use std::fs;

use anyhow::{Context, Result};
use certferry_testkit::postgres::Server;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut words = env::args().skip(1);
    let name = words.next().context("usage: with-postgres fresh-database NAME [FILE]…")?;
    let server = Server::shared().await?;
    let mut connection = PgConnection::connect(&server.url("postgres")).await?;
    let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS \"{name}\""));
    sqlx::raw_sql(drop).execute(&mut connection).await.with_context(|| format!("could not drop {name}"))?;
    server.create_database(&name).await?;
    let mut connection = PgConnection::connect(&server.url(&name)).await?;
    for file in words {
        let sql = fs::read_to_string(&file).with_context(|| format!("could not read {file}"))?;
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
        done.with_context(|| format!("could not run {file}"))?;
    }
    println!("{}", server.url(&name));
    Ok(())
}
