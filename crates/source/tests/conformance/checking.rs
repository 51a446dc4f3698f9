//! What is found out about a source query before a migration.

use certferry_source::{Settings, Source};
use certferry_testkit::mariadb;

use crate::legacy::{Engine, Legacy};
use crate::on_every_engine;

on_every_engine!(
    the_reference_schema_has_no_problem,
    what_is_missing_is_named,
    a_key_without_an_index_is_named,
    ids_that_are_not_unique_are_named,
    ids_beyond_bigint_are_named,
    epoch_seconds_are_no_date,
);

const PEOPLE: &str = "id, name, NULL AS trade_license, NULL AS email, NULL AS phone";

async fn problems(source: &Source) -> Vec<String> {
    let checks = source.check().await.expect("a check");
    checks.iter().flat_map(|check| &check.problems).map(ToString::to_string).collect()
}

async fn problems_of_customers(legacy: &Legacy, query: &str) -> Vec<String> {
    let settings = Settings { customers: Some(query.to_owned()), ..Settings::default() };
    problems(&legacy.source_with(&settings).await).await
}

async fn the_reference_schema_has_no_problem(legacy: Legacy) {
    let source = legacy.source().await;
    assert_eq!(problems(&source).await, [""; 0], "without a row");
    certferry_testkit::cases::load_source(legacy.url()).await.expect("the cases");
    assert_eq!(problems(&source).await, [""; 0]);
    let checks = source.check().await.expect("a check");
    assert_eq!(checks.iter().map(|check| check.columns.len()).collect::<Vec<_>>(), [18, 5, 4]);
    assert!(checks.iter().all(|check| check.unknown.is_empty()));
    let about = source.about().await.expect("a version");
    let product = match legacy.engine {
        Engine::Postgres => "PostgreSQL",
        Engine::Mariadb if mariadb::is_mysql() => "MySQL",
        Engine::Mariadb => "MariaDB",
        Engine::Sqlite => "SQLite",
    };
    assert_eq!(about.product, product);
    assert!(about.version.contains('.'), "{about:?}");
}

async fn what_is_missing_is_named(legacy: Legacy) {
    legacy.execute("ALTER TABLE certificates DROP COLUMN remarks; DROP TABLE technicians").await;
    let settings = Settings { customers: Some("SELECT id, name, email FROM customers".into()), ..Settings::default() };
    let problems = problems(&legacy.source_with(&settings).await).await;
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(problems[0].starts_with("source.certificates: ") && problems[0].contains("remarks"), "{problems:?}");
    assert_eq!(problems[1], "source.customers: it returns no column trade_license");
    assert_eq!(problems[2], "source.customers: it returns no column phone");
    assert!(problems[3].starts_with("source.technicians: ") && problems[3].contains("technicians"), "{problems:?}");
}

async fn a_key_without_an_index_is_named(legacy: Legacy) {
    legacy
        .execute("CREATE TABLE people (id BIGINT, name VARCHAR(20)); INSERT INTO people VALUES (1, 'a'), (2, 'b')")
        .await;
    let query = format!("SELECT {PEOPLE} FROM people");
    let found = problems_of_customers(&legacy, &query).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("source.customers: its id is not found by an index"), "{found:?}");

    legacy.execute("CREATE INDEX people_id ON people (id)").await;
    assert_eq!(problems_of_customers(&legacy, &query).await, [""; 0]);
    let computed = format!("SELECT {PEOPLE} FROM (SELECT id + 0 AS id, name FROM people) AS computed");
    let found = problems_of_customers(&legacy, &computed).await;
    assert!(found.len() == 1 && found[0].contains("by an index"), "{found:?}");
    // Two tables that make one, each with its own index.
    legacy.execute("CREATE TABLE old_people (id BIGINT PRIMARY KEY, name VARCHAR(20))").await;
    let united = format!("SELECT {PEOPLE} FROM people UNION ALL SELECT {PEOPLE} FROM old_people");
    // Only MySQL before 8.0 reads both whole.
    let whole = usize::from(legacy.engine == Engine::Mariadb && mariadb::is_mysql());
    assert_eq!(problems_of_customers(&legacy, &united).await.len(), whole);
    // Names from another table, as long as the key's own index leads.
    legacy.execute("CREATE TABLE names (person BIGINT PRIMARY KEY, name VARCHAR(20))").await;
    let joined = "SELECT people.id, names.name, NULL AS trade_license, NULL AS email, NULL AS phone
                  FROM people LEFT JOIN names ON names.person = people.id";
    assert_eq!(problems_of_customers(&legacy, joined).await, [""; 0]);
}

async fn ids_that_are_not_unique_are_named(legacy: Legacy) {
    legacy.execute("CREATE TABLE people (id BIGINT, name VARCHAR(20)); CREATE INDEX people_id ON people (id)").await;
    legacy.execute("INSERT INTO people VALUES (7, 'a'), (7, 'b'), (8, 'c'), (7, 'd'), (NULL, 'e')").await;
    let found = problems_of_customers(&legacy, &format!("SELECT {PEOPLE} FROM people")).await;
    assert_eq!(
        found,
        [
            "source.customers: 4 of its rows cannot be addressed by their id: 1 without an id, 3 whose id another row has \
          too: 7 (3 rows)"
        ]
    );
}

async fn ids_beyond_bigint_are_named(legacy: Legacy) {
    legacy.execute("CREATE TABLE people (id DECIMAL(20, 0) PRIMARY KEY, name VARCHAR(20))").await;
    legacy.execute("INSERT INTO people VALUES (1, 'a'), (9223372036854775807, 'b')").await;
    let query = format!("SELECT {PEOPLE} FROM people");
    assert_eq!(problems_of_customers(&legacy, &query).await, [""; 0]);
    let (beyond, shown) = match legacy.engine {
        // There the number becomes a floating one; a text is no number at all.
        Engine::Sqlite => ("'one'", "one"),
        _ => ("18446744073709551615", "18446744073709551615"),
    };
    legacy.execute(&format!("INSERT INTO people VALUES ({beyond}, 'c')")).await;
    let found = problems_of_customers(&legacy, &query).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with(&format!("1 whose id is no whole number within bigint: '{shown}'")), "{found:?}");
}

async fn epoch_seconds_are_no_date(legacy: Legacy) {
    if legacy.engine == Engine::Sqlite {
        // Its columns have no types to judge by; such a value is that certificate's own `invalid_date`.
        return;
    }
    legacy.execute("ALTER TABLE certificates DROP COLUMN issue_date").await;
    legacy.execute("ALTER TABLE certificates ADD COLUMN issue_date BIGINT").await;
    let found = problems(&legacy.source().await).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("issue_date is of type"), "{found:?}");
}
