//! Which unique indexes of a destination are believed, and which names of tables.

use std::time::Duration;

use certferry_store::{Database, Settings, destination_tables, uniqueness};
use certferry_testkit::postgres::{Database as Fresh, Template};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const REFERENCE: &str = include_str!("../reference/destination.sql");

/// The reference destination, without the index on certificate numbers, and what the statements make of it.
async fn destination(statements: &str, schema: &str) -> Database {
    let fresh = Fresh::fresh(Template::sql("reference_destination", [REFERENCE])).await.expect("the database answers");
    let mut connection = PgConnection::connect(&fresh.url()).await.expect("the database answers");
    sqlx::raw_sql("ALTER TABLE certificates DROP CONSTRAINT certificates_certificate_number_key")
        .execute(&mut connection)
        .await
        .expect("the database answers");
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.expect("the database answers");
    let settings = Settings {
        url: fresh.url(),
        destination_schema: schema.to_owned(),
        max_connections: 1,
        connect_timeout: Duration::from_secs(30),
        statement_timeout: Duration::from_secs(30),
        lock_timeout: std::time::Duration::from_mins(1),
        application_name: "certferry",
    };
    Database::connect(&settings).await.expect("the database answers")
}

async fn said(statements: &str, schema: &str) -> String {
    let said = uniqueness(&destination(statements, schema).await).await.expect("the database answers").to_string();
    said.lines().next().expect("the database answers").to_owned()
}

const NONE: &str = "no unique index on certificates (certificate_number): numbers are locked instead";
const INDEX: &str = "certificate numbers are unique by index i";

#[tokio::test]
async fn only_an_index_that_refuses_every_second_row_at_once_is_believed() {
    for (expected, statements) in [
        (NONE, ""),
        (INDEX, "CREATE UNIQUE INDEX i ON certificates (certificate_number)"),
        (INDEX, "CREATE UNIQUE INDEX i ON certificates (certificate_number) INCLUDE (id)"),
        (INDEX, "CREATE UNIQUE INDEX i ON certificates (certificate_number text_pattern_ops DESC)"),
        (INDEX, "ALTER TABLE certificates ADD CONSTRAINT i UNIQUE (certificate_number)"),
        (NONE, "CREATE INDEX i ON certificates (certificate_number)"),
        (NONE, "CREATE UNIQUE INDEX i ON certificates (certificate_number, id)"),
        (NONE, "CREATE UNIQUE INDEX i ON certificates (certificate_number) WHERE id > 5"),
        (NONE, "CREATE UNIQUE INDEX i ON certificates (lower(certificate_number))"),
        (NONE, "ALTER TABLE certificates ADD CONSTRAINT i UNIQUE (certificate_number) DEFERRABLE"),
        (NONE, "ALTER TABLE certificates ADD CONSTRAINT i EXCLUDE (certificate_number WITH =)"),
        (
            NONE,
            "CREATE UNIQUE INDEX i ON certificates (certificate_number);
                UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'i'::regclass",
        ),
        (
            NONE,
            "CREATE UNIQUE INDEX i ON certificates (certificate_number);
                CREATE TABLE elsewhere (LIKE certificates);
                CREATE RULE r AS ON INSERT TO certificates DO INSTEAD
                    INSERT INTO elsewhere VALUES (NEW.*) RETURNING *",
        ),
    ] {
        assert_eq!(said(statements, "public").await, expected, "{statements}");
    }
}

#[tokio::test]
async fn an_index_is_looked_for_behind_simple_views() {
    let index =
        "CREATE UNIQUE INDEX i ON certificates (certificate_number); CREATE SCHEMA v; SET search_path = v, public;";
    let found = "certificate numbers are unique by index i";
    let view =
        "CREATE VIEW v.certificates AS SELECT id, device_id, certificate_number, remarks FROM public.certificates";
    let trigger = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
                   CREATE TRIGGER t INSTEAD OF INSERT ON v.certificates FOR EACH ROW EXECUTE FUNCTION f()";
    for (expected, statements) in [
        (found, view.to_owned()),
        (found, format!("{view} WHERE device_id > 5 WITH CHECK OPTION")),
        // Another name, another place, two views deep.
        (
            found,
            "CREATE VIEW v.inner AS SELECT (SELECT max(id) FROM devices) AS m, remarks, certificate_number AS \"the number\", id
                 FROM public.certificates;
             CREATE VIEW v.certificates AS SELECT id, \"the number\" AS certificate_number FROM v.inner"
                .to_owned(),
        ),
        (NONE, "CREATE VIEW v.certificates AS SELECT id, remarks AS certificate_number FROM public.certificates".to_owned()),
        (NONE, "CREATE VIEW v.certificates AS SELECT id, lower(certificate_number) AS certificate_number
                FROM public.certificates".to_owned()),
        (NONE, "CREATE VIEW v.certificates AS SELECT DISTINCT id, certificate_number FROM public.certificates".to_owned()),
        (NONE, format!("{view}; {trigger}")),
        (NONE, format!("{view}; CREATE RULE r AS ON INSERT TO v.certificates DO INSTEAD NOTHING")),
    ] {
        let statements = format!("{index} {statements}");
        assert_eq!(said(&statements, "v").await, expected, "{statements}");
    }
}

#[tokio::test]
async fn tables_are_those_of_the_schema_and_no_other() {
    let tables = destination_tables(&destination("", "public").await).await.expect("the database answers");
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let expected = ["users", "customers", "technicians", "devices", "certificates", "vehicles", "certificate_state"];
    assert_eq!(names, expected);
    let database = destination("CREATE SCHEMA v; CREATE VIEW v.users AS SELECT 1 AS id", "v").await;
    let error = destination_tables(&database).await.unwrap_err();
    let said = std::error::Error::source(&error).expect("the database answers").to_string();
    assert!(said.starts_with("schema v has no customers (there is one in schema public); it has no techn"), "{said}");
    assert!(error.hint().expect("the database answers").contains("destination.schema"));
    let error = destination_tables(&destination("", "nowhere").await).await.unwrap_err();
    assert!(
        std::error::Error::source(&error)
            .expect("the database answers")
            .to_string()
            .starts_with("schema nowhere has no users")
    );
}
