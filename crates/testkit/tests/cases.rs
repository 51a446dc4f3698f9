//! The cases, loaded as the end-to-end tests load them.

use certferry_testkit::postgres::{Database, Template};
use certferry_testkit::{cases, load};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn counts(connection: &mut PgConnection, tables: &[&str]) -> Result<Vec<i64>, sqlx::Error> {
    let mut counts = Vec::new();
    for table in tables {
        let statement = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        counts.push(sqlx::query_scalar(statement).fetch_one(&mut *connection).await?);
    }
    Ok(counts)
}

#[tokio::test]
async fn the_source_holds_every_case_as_it_was_written() -> Outcome {
    let database = Database::fresh(Template::empty()).await?;
    cases::load_source(&database.url()).await?;
    let mut connection = PgConnection::connect(&database.url()).await?;
    let tables = ["customers", "users", "technicians", "certificates"];
    assert_eq!(counts(&mut connection, &tables).await?, [50, 8, 16, 2000]);
    let statement = "SELECT speed, remarks FROM certificates WHERE id IN (9, 22) ORDER BY id";
    let rows: Vec<(Option<String>, Option<String>)> = sqlx::query_as(statement).fetch_all(&mut connection).await?;
    assert_eq!(rows[0], (Some(" 100 Km/Hr ".to_owned()), Some("N/A".to_owned())));
    assert_eq!(rows[1], (Some("١٠٠ KM/H".to_owned()), Some("تمت المعايرة".to_owned())));
    let statement = "SELECT trade_license IS NULL FROM customers WHERE id = 1001";
    assert!(sqlx::query_scalar::<_, bool>(statement).fetch_one(&mut connection).await?);
    Ok(())
}

#[tokio::test]
async fn new_rows_of_the_destination_get_ids_of_their_own() -> Outcome {
    let database = Database::fresh(Template::filled("destination", &load::DESTINATION_SCHEMA, |url| async move {
        load::destination_schema(&url).await
    }))
    .await?;
    cases::load_destination(&database.url()).await?;
    let mut connection = PgConnection::connect(&database.url()).await?;
    let tables = ["users", "customers", "technicians", "devices"];
    assert_eq!(counts(&mut connection, &tables).await?, [8, 38, 7, 1600]);
    let statement = "INSERT INTO customers (name) VALUES ('New Customer') RETURNING id";
    assert_eq!(sqlx::query_scalar::<_, i64>(statement).fetch_one(&mut connection).await?, 20_050);
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_not_there_is_reported() {
    let database = Database::fresh(Template::empty()).await.unwrap();
    let missing = database.url().replace(database.name(), "missing");
    let refused = cases::load_source(&missing).await.unwrap_err();
    assert!(refused.to_string().contains("could not connect"), "{refused}");
}
