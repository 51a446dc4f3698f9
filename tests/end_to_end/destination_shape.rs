//! A destination whose tables have other names: the contract's are views over them.

use crate::verdicts::assert_as_expected;
use crate::world::World;

use certferry_testkit::cases;

/// Takes the reference tables for those of another system, and puts views in front of them.
const OTHER_SYSTEM: &str = "
    CREATE SCHEMA erp;
    ALTER TABLE users SET SCHEMA erp; ALTER TABLE erp.users RENAME TO account;
    ALTER TABLE customers SET SCHEMA erp; ALTER TABLE erp.customers RENAME TO client;
    ALTER TABLE erp.client RENAME COLUMN trade_license TO licence;
    ALTER TABLE technicians SET SCHEMA erp; ALTER TABLE erp.technicians RENAME TO fitter;
    ALTER TABLE erp.fitter RENAME COLUMN user_id TO account_id;
    ALTER TABLE devices SET SCHEMA erp; ALTER TABLE erp.devices RENAME TO limiter;
    ALTER TABLE erp.limiter RENAME COLUMN ecu_number TO serial;
    ALTER TABLE erp.limiter RENAME COLUMN is_blocked TO blocked;
    ALTER TABLE certificates SET SCHEMA erp; ALTER TABLE erp.certificates RENAME TO document;
    ALTER TABLE erp.document RENAME COLUMN id TO document_id;
    ALTER TABLE erp.document RENAME COLUMN certificate_number TO number;
    ALTER TABLE erp.document RENAME COLUMN status TO state;
    ALTER TABLE erp.document ALTER COLUMN state TYPE text USING state::text;
    ALTER TABLE erp.document ADD COLUMN colour text NOT NULL DEFAULT 'white';
    ALTER TABLE vehicles SET SCHEMA erp; ALTER TABLE erp.vehicles RENAME TO car;
    ALTER TABLE erp.car RENAME COLUMN certificate_id TO document_id;

    CREATE SCHEMA migration;
    ALTER TYPE certificate_state SET SCHEMA migration;
    CREATE VIEW migration.users AS SELECT id FROM erp.account;
    CREATE VIEW migration.customers AS SELECT id, name, licence AS trade_license, email, phone FROM erp.client;
    CREATE VIEW migration.technicians AS SELECT id, account_id AS user_id, name, phone FROM erp.fitter;
    CREATE VIEW migration.devices AS SELECT id, serial AS ecu_number, blocked AS is_blocked FROM erp.limiter;
    CREATE VIEW migration.certificates AS
        SELECT document_id AS id, number AS certificate_number, device_id, customer_id, user_id,
               calibration_technician_id, installation_technician_id, speed_limit_kmh, state AS status, issued_at,
               expires_at, calibrated_at, installed_at, remarks
        FROM erp.document;
    CREATE VIEW migration.vehicles AS
        SELECT id, document_id AS certificate_id, brand, model, chassis_number, registration_number, is_new_registration
        FROM erp.car;";

#[tokio::test]
async fn the_cases_are_migrated_into_views_over_tables_of_other_names() {
    let mut world = World::with_unprepared_cases().await;
    world.execute(OTHER_SYSTEM).await;
    world.set("destination.schema", "migration");
    world.succeeds("producer", ["setup"]).await;
    world.succeeds("producer", ["import-mappings", cases::folder().to_str().unwrap()]).await;
    world.succeeds("producer", ["check"]).await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    // From here on it is our own look that goes through the views.
    let name = world.destination.name();
    world.execute(&format!("ALTER DATABASE {name} SET search_path = migration")).await;
    assert_as_expected(&world).await;
    let documents = "SELECT count(*) FROM erp.document JOIN erp.car USING (document_id) WHERE colour = 'white'";
    assert!(world.number(documents).await > 1000);
}

#[tokio::test]
async fn what_views_lack_is_named() {
    let mut world = World::with_unprepared_cases().await;
    world.execute(OTHER_SYSTEM).await;
    world.execute("DROP VIEW migration.users, migration.devices; DROP TYPE migration.certificate_state").await;
    world.execute("CREATE VIEW migration.devices AS SELECT id FROM erp.limiter").await;
    world.set("destination.schema", "migration");
    let output = world.runs("producer", ["setup"]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let expected = "error: the destination (schema migration) lacks users, devices.ecu_number, devices.is_blocked, \
                    the type certificate_state";
    assert_eq!(said.lines().next(), Some(expected));
}

#[tokio::test]
async fn nothing_is_read_from_or_written_to_tables_of_another_schema() {
    let mut world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    // A schema without some of the tables, and `public` with all of them.
    world.execute("CREATE SCHEMA publik; CREATE VIEW publik.devices AS SELECT * FROM public.devices").await;
    world.set("destination.schema", "publik");
    let expected = "schema publik has no users (there is one in schema public); it has no customers (there is one in";
    for (binary, arguments) in [("worker", vec!["--drain"]), ("producer", vec!["enqueue"]), ("producer", vec!["retry"])]
    {
        let output = world.runs(binary, &arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("hint: correct destination.schema"), "{said}");
    }
    assert_eq!(world.number("SELECT count(*) FROM public.certificates").await, 0);
}
