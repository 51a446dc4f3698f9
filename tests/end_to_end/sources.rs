//! Legacy databases of every engine and of another shape, through the real binaries.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use certferry_testkit::{cases, mariadb};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, MySqlConnection, Row};

use crate::verdicts::assert_as_expected;
use crate::world::{World, ended, succeeded};

/// A world whose legacy database is the one at `url`.
async fn world_with_source(url: &str) -> World {
    let mut world = World::with_cases().await;
    world.set("source.url", url);
    world
}

/// A file for SQLite in the world's own folder, which goes with it.
async fn world_with_sqlite() -> (World, String) {
    let mut world = World::with_cases().await;
    let url = format!("sqlite:{}", world.folder.path().join("legacy.db").display());
    world.set("source.url", &url);
    (world, url)
}

async fn execute_in_mariadb(url: &str, sql: &str) {
    let mut connection = MySqlConnection::connect(url).await.unwrap();
    let sql = format!("SET sql_mode = '', time_zone = '+00:00'; {sql}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
}

async fn execute_in_sqlite(url: &str, sql: &str) {
    let options = SqliteConnectOptions::from_str(url).unwrap().create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn the_cases_come_out_of_mariadb_as_expected() {
    let source = mariadb::Database::fresh().await.unwrap();
    cases::load_source(&source.url()).await.unwrap();
    let world = world_with_source(&source.url().replace("mysql://", "mariadb://")).await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn the_cases_come_out_of_sqlite_as_expected() {
    let (world, url) = world_with_sqlite().await;
    cases::load_source(&url).await.unwrap();
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn a_mariadb_that_crashes_under_the_workers_is_waited_for() {
    let server = mariadb::Server::start().await.unwrap();
    let source = mariadb::Database::on(server.address()).await.unwrap();
    cases::load_source(&source.url()).await.unwrap();
    let mut world = world_with_source(&source.url()).await;
    world.set("worker.batch_size", "40");
    world.set("worker.concurrency", "2");
    world.succeeds("producer", ["enqueue"]).await;
    let worker = world.start("worker", ["--drain"]);
    let finished = "SELECT count(*) FROM certferry.certificate_status WHERE state <> 'queued'";
    world.until(finished, |finished| finished >= 100).await;
    server.stop_immediate().await.unwrap();
    assert!(world.number(finished).await < 2000, "it crashed too late to prove anything");
    server.start_again().await.unwrap();
    succeeded(ended(worker).await);
    assert_as_expected(&world).await;
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status WHERE attempts <> 1").await, 0);
}

#[tokio::test]
async fn a_row_that_goes_or_changes_after_enqueueing_is_taken_as_it_is_then() {
    let source = mariadb::Database::fresh().await.unwrap();
    cases::load_source(&source.url()).await.unwrap();
    let world = world_with_source(&source.url()).await;
    world.succeeds("producer", ["enqueue", "--id", "1", "--id", "2", "--id", "3"]).await;
    execute_in_mariadb(
        &source.url(),
        "DELETE FROM certificates WHERE id = 1; UPDATE certificates SET speed = '77 km/h' WHERE id = 3",
    )
    .await;
    world.drain(1).await;
    let rows = world
        .rows(
            "SELECT state, error_code, speed_limit_kmh FROM certferry.certificate_status
             LEFT JOIN certificates ON certificates.id = new_certificate_id ORDER BY certificate_id",
        )
        .await;
    let outcomes: Vec<(String, Option<String>, Option<i16>)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    assert_eq!(
        outcomes,
        [
            ("failed".into(), Some("certificate_not_found".into()), None),
            ("migrated".into(), None, Some(110)),
            ("migrated".into(), None, Some(77)),
        ]
    );
}

#[tokio::test]
async fn text_that_is_none_fails_its_own_certificate_and_no_other() {
    let source = mariadb::Database::fresh().await.unwrap();
    cases::load_source(&source.url()).await.unwrap();
    execute_in_mariadb(
        &source.url(),
        "ALTER TABLE certificates MODIFY remarks BLOB;
         UPDATE certificates SET remarks = x'636166e9' WHERE id = 1;
         UPDATE certificates SET ecu_number = CONCAT(ecu_number, CHAR(0)) WHERE id = 2",
    )
    .await;
    let world = world_with_source(&source.url()).await;
    world.succeeds("producer", ["enqueue", "--id", "1", "--id", "2", "--id", "3"]).await;
    world.drain(1).await;
    let rows = world
        .rows("SELECT error_code, issues #>> '{0,field}' FROM certferry.certificate_status ORDER BY certificate_id")
        .await;
    let outcomes: Vec<(Option<String>, Option<String>)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let invalid = |field: &str| (Some("invalid_text".to_owned()), Some(field.to_owned()));
    assert_eq!(outcomes, [invalid("remarks"), invalid("ecu_number"), (None, None)]);
}

/// Ids that no system counts up to, but that a database takes.
const EXTREME: [i64; 5] = [i64::MIN, i64::MIN + 1, -5, 0, i64::MAX];

async fn assert_extreme_ids_are_migrated(world: &World) {
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    let ids = EXTREME.map(|id| id.to_string()).join(", ");
    let migrated = format!(
        "SELECT count(*) FROM certferry.certificate_status WHERE state = 'migrated' AND certificate_id IN ({ids})"
    );
    assert_eq!(world.number(&migrated).await, 5);
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status").await, 2000);
    let lowest = format!("--id={}", i64::MIN);
    let said = world.succeeds("producer", ["enqueue", &lowest, "--json"]).await;
    assert!(said.contains("\"already_known\":1"), "{said}");
}

fn extreme_ids() -> String {
    // Certificates that are migrated.
    let updates = [1, 2, 3, 5, 6].iter().zip(EXTREME);
    let updates = updates.map(|(from, to)| format!("UPDATE certificates SET id = {to} WHERE id = {from}"));
    updates.collect::<Vec<_>>().join(";\n")
}

#[tokio::test]
async fn ids_at_the_limits_are_migrated_from_postgres() {
    let world = World::with_cases().await;
    world.execute_at_source(&extreme_ids()).await;
    assert_extreme_ids_are_migrated(&world).await;
}

#[tokio::test]
async fn ids_at_the_limits_are_migrated_from_mariadb() {
    let source = mariadb::Database::fresh().await.unwrap();
    cases::load_source(&source.url()).await.unwrap();
    execute_in_mariadb(&source.url(), &extreme_ids()).await;
    assert_extreme_ids_are_migrated(&world_with_source(&source.url()).await).await;
}

#[tokio::test]
async fn ids_at_the_limits_are_migrated_from_sqlite() {
    let (world, url) = world_with_sqlite().await;
    cases::load_source(&url).await.unwrap();
    execute_in_sqlite(&url, &extreme_ids()).await;
    assert_extreme_ids_are_migrated(&world).await;
}

/// The tables that the examples of `config/examples` speak of, in the types of each engine.
fn other_shape(moment: &str, instant: &str, flag: &str) -> String {
    let yes = if flag == "BOOLEAN" { "TRUE" } else { "1" };
    let no = if flag == "BOOLEAN" { "FALSE" } else { "0" };
    // In PostgreSQL a text without a zone would be in the session's.
    let zone = if instant == "TIMESTAMPTZ" { "+00" } else { "" };
    let zulu = if instant == "TEXT" { "Z" } else { "" };
    format!(
        "CREATE TABLE person (person_no INT PRIMARY KEY, first_name VARCHAR(40), last_name VARCHAR(40),
                              mail VARCHAR(80), mobile VARCHAR(20));
         INSERT INTO person VALUES (1, 'Noor', 'Haddad', 'noor@example.com', '0501'), (2, 'Omar', NULL, NULL, '0502');
         CREATE TABLE client (client_no INT PRIMARY KEY, person_no INT, licence VARCHAR(20));
         INSERT INTO client VALUES (5001, 1, 'CN-9'), (1000, 1, NULL), (5002, NULL, NULL);
         CREATE TABLE fitter (fitter_no SMALLINT PRIMARY KEY, person_no INT, account INT);
         INSERT INTO fitter VALUES (71, 2, 103);
         CREATE TABLE limiter_certificate (
             cert_no INT PRIMARY KEY, unit VARCHAR(40), client_no INT, made_by SMALLINT, calibrated_by SMALLINT,
             installed_by SMALLINT, make VARCHAR(40), model VARCHAR(40), chassis VARCHAR(40), plate VARCHAR(40),
             first_registration {flag}, kmh DECIMAL(5, 1), is_void {flag}, is_cancelled {flag}, is_blocked {flag},
             renewal_count INT, issued_at {moment}, valid_until BIGINT, calibrated_on DATE, installed_at {instant},
             notes VARCHAR(80));
         INSERT INTO limiter_certificate VALUES
             (12, 'ECU70000000', 5001, 100, 71, NULL, 'Tata', 'LPT 613', 'CH1', 'L 1', {yes}, 80.5, {no}, {no}, {no}, 2,
              '2020-01-31 23:30:00', 1612137600, '2020-02-01', '2020-01-31 19:30:00{zone}{zulu}', 'دبي'),
             (13, ' ECU70000001', 1000, 101, NULL, 71, 'Hino', NULL, NULL, NULL, {no}, 100, {yes}, {no}, {yes}, 0,
              '2021-06-01 00:00:00', NULL, NULL, NULL, NULL),
             (14, 'ECU70000002', 5002, 102, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 60, {no}, {yes}, {no}, NULL,
              '2022-06-01 00:00:00', NULL, NULL, NULL, NULL)"
    )
}

fn example(engine: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/examples").join(format!("{engine}.toml"))
}

async fn assert_other_shape_is_migrated(world: World, engine: &str) {
    std::fs::copy(example(engine), world.folder.path().join("certferry.toml")).unwrap();
    world.succeeds("producer", ["check"]).await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    let rows = world
        .rows(
            "SELECT status.certificate_id, status.state, status.error_code, certificate.certificate_number,
                    customer.name, customer.trade_license, calibration.name, installation.name,
                    concat_ws('|', vehicle.brand, vehicle.model, vehicle.chassis_number, vehicle.is_new_registration),
                    concat_ws('|', certificate.speed_limit_kmh, certificate.status, certificate.remarks),
                    concat_ws('|', to_char(issued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
                                   to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
                                   to_char(calibrated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
                                   to_char(installed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'))
             FROM certferry.certificate_status AS status
             LEFT JOIN certificates AS certificate ON certificate.id = status.new_certificate_id
             LEFT JOIN customers AS customer ON customer.id = certificate.customer_id
             LEFT JOIN technicians AS calibration ON calibration.id = certificate.calibration_technician_id
             LEFT JOIN technicians AS installation ON installation.id = certificate.installation_technician_id
             LEFT JOIN vehicles AS vehicle ON vehicle.certificate_id = certificate.id
             ORDER BY 1",
        )
        .await;
    let found: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let text = |at| row.get::<Option<String>, _>(at).unwrap_or_default();
            std::iter::once(row.get::<i64, _>(0).to_string()).chain((1..11).map(text)).collect()
        })
        .collect();
    assert_eq!(
        found[0],
        [
            "12",
            "migrated",
            "",
            "SLC/2020/000012",
            "Noor Haddad",
            "CN-9",
            "Omar",
            "",
            "Tata|LPT 613|CH1|t",
            "81|renewed|دبي",
            "2020-01-31 19:30|2021-02-01 00:00|2020-01-31 20:00|2020-01-31 19:30",
        ]
    );
    assert_eq!(found[1][1..4], ["migrated", "", "SLC/2021/000013"]);
    assert_eq!(found[1][4], "Pearl Passenger Transport 0", "the mapping decides before the legacy name");
    assert_eq!(found[1][7..11], ["Omar", "Hino|Hino|f", "100|blocked", "2021-05-31 20:00"]);
    assert_eq!(found[2][1..3], ["failed", "missing_field"], "a customer without a person has no name");
    assert_eq!(found.len(), 3);
}

#[tokio::test]
async fn the_example_for_postgres_migrates_tables_of_another_shape() {
    let world = World::with_cases().await;
    world.execute_at_source(&other_shape("TIMESTAMP", "TIMESTAMPTZ", "BOOLEAN")).await;
    assert_other_shape_is_migrated(world, "postgres").await;
}

#[tokio::test]
async fn the_example_for_mariadb_migrates_tables_of_another_shape() {
    let source = mariadb::Database::fresh().await.unwrap();
    execute_in_mariadb(&source.url(), &other_shape("DATETIME", "TIMESTAMP NULL", "BIT(1)")).await;
    assert_other_shape_is_migrated(world_with_source(&source.url()).await, "mysql").await;
}

#[tokio::test]
async fn the_example_for_sqlite_migrates_tables_of_another_shape() {
    let (world, url) = world_with_sqlite().await;
    execute_in_sqlite(&url, &other_shape("TEXT", "TEXT", "INTEGER")).await;
    assert_other_shape_is_migrated(world, "sqlite").await;
}
