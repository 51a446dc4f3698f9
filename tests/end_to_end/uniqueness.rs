//! Destinations without unique indexes, and with stricter ones.

use sqlx::Row;

use crate::world::World;

const WITHOUT_INDEXES: &str = "
    ALTER TABLE certificates DROP CONSTRAINT certificates_certificate_number_key;
    ALTER TABLE customers DROP CONSTRAINT customers_trade_license_key;";

/// As many batches as possible that hold the same numbers and licences at the same time.
async fn crowded(world: &World) {
    world
        .execute_at_source(
            "UPDATE certificates SET certificate_number = 'N' || id % 40;
             UPDATE customers SET trade_license = 'L' || id % 3 WHERE trade_license IS NOT NULL",
        )
        .await;
    world.succeeds("producer", ["enqueue"]).await;
    let arguments = ["--drain", "--batch-size", "20", "--concurrency", "6"];
    let workers = [world.start("worker", arguments), world.start("worker", arguments)];
    for worker in workers {
        crate::world::succeeded(crate::world::ended(worker).await);
    }
}

#[tokio::test]
async fn numbers_and_licences_are_written_once_without_an_index_too() {
    let world = World::with_cases().await;
    world.execute(WITHOUT_INDEXES).await;
    let said = world.succeeds("producer", ["setup"]).await;
    assert!(
        said.contains("no unique index on certificates (certificate_number): numbers are locked instead"),
        "{said}"
    );
    assert!(said.contains("no unique index on customers (trade_license): licences are locked instead"), "{said}");
    let certificates = world.number("SELECT count(*) FROM certificates").await;
    crowded(&world).await;
    let twice = "SELECT count(*) FROM (SELECT FROM certificates GROUP BY certificate_number HAVING count(*) > 1) AS t";
    assert_eq!(world.number(twice).await, 0);
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, certificates + 40);
    let twice = "SELECT count(*) FROM (SELECT FROM customers WHERE trade_license ~ '^L[0-9]$'
                 GROUP BY trade_license HAVING count(*) > 1) AS t";
    assert_eq!(world.number(twice).await, 0);
    let others = "SELECT count(*) FROM certferry.certificate_status
                  WHERE state = 'failed' AND error_code = 'unexpected' OR state = 'queued'";
    assert_eq!(world.number(others).await, 0);
}

#[tokio::test]
async fn numbers_are_the_same_when_their_bytes_are_unless_the_destination_is_stricter() {
    for (is_stricter, statements) in [(true, ""), (false, WITHOUT_INDEXES)] {
        let world = World::with_cases().await;
        world
            .execute(&format!(
                "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
                 ALTER TABLE certificates ALTER COLUMN certificate_number TYPE text COLLATE any_case;
                 ALTER TABLE customers ALTER COLUMN trade_license TYPE text COLLATE any_case; {statements}"
            ))
            .await;
        world.execute_at_source("UPDATE certificates SET certificate_number = 'ab' WHERE id = 1").await;
        world.execute_at_source("UPDATE certificates SET certificate_number = 'AB' WHERE id = 3").await;
        world.succeeds("producer", ["enqueue", "--id", "1", "--id", "3"]).await;
        world.drain(1).await;
        let rows = world
            .rows("SELECT state, error_code, issues #>> '{0,field}' FROM certferry.certificate_status ORDER BY certificate_id")
            .await;
        let outcomes: Vec<(String, Option<String>, Option<String>)> =
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        let migrated = ("migrated".to_owned(), None, None);
        let refused = ("failed".to_owned(), Some("unique_violation".to_owned()), Some("certificate_number".to_owned()));
        assert_eq!(outcomes, [migrated.clone(), if is_stricter { refused } else { migrated }]);
    }
}
