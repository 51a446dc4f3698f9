//! A legacy database for each test.

use certferry_source::{Settings, Source};
use certferry_testkit::postgres::{Database, Template};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

pub(crate) struct Legacy {
    url: String,
}

impl Legacy {
    /// Whatever is at `url`.
    pub(crate) fn at(url: String) -> Self {
        Self { url }
    }

    /// The reference schema, without a row.
    pub(crate) async fn empty() -> Self {
        let template = Template::sql("legacy", [include_str!("../../../testkit/sql/legacy.sql")]);
        Self { url: Database::fresh(template).await.expect("a database").url() }
    }

    /// The reference schema and what `sql` does to it.
    pub(crate) async fn with(sql: &str) -> Self {
        let legacy = Self::empty().await;
        legacy.execute(sql).await;
        legacy
    }

    /// Certificates with these ids and ECU numbers.
    pub(crate) async fn certificates(rows: &[(i64, &str)]) -> Self {
        let legacy = Self::empty().await;
        let mut connection = PgConnection::connect(&legacy.url).await.expect("a connection");
        let (ids, ecu_numbers): (Vec<i64>, Vec<&str>) = rows.iter().copied().unzip();
        let insert = "INSERT INTO certificates (id, ecu_number) SELECT * FROM unnest($1::bigint[], $2::text[])";
        sqlx::query(insert).bind(ids).bind(ecu_numbers).execute(&mut connection).await.expect("rows are inserted");
        legacy
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.url).await.expect("a connection");
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("the statements run");
        connection.close().await.expect("the connection closes");
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn source(&self) -> Source {
        self.source_with(&Settings::default()).await
    }

    pub(crate) async fn source_with(&self, settings: &Settings) -> Source {
        Source::connect(&self.url, settings).await.expect("a source")
    }
}
