//! The important queries at a million rows: each uses the index meant for it, and none reads a large table through.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Mutex;

use certferry_source::{Selection, Source};
use certferry_testkit::load;
use certferry_testkit::postgres::Database;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::world::World;

/// Ids begin here, so that every one has as many digits and the text keys ascend as the ids do: that fills faster.
const FIRST: i64 = 1_000_000;

/// A million certificates with everything around them, the largest tables first; some jobs are a dead worker's.
const DESTINATION: &[(&str, &str)] = &[
    (
        "apalis.jobs",
        "INSERT INTO apalis.workers (id, worker_type, storage_name, last_seen)
         SELECT 'worker-' || n, 'certferry.certificate.v1', 'certferry', now() - n * interval '1 minute'
         FROM generate_series(0, 4) AS n;
         INSERT INTO apalis.jobs (id, job_type, job, status, run_at, lock_by, lock_at, idempotency_key)
         SELECT '01KAAAAAAAAAAAAAAAA' || id, 'certferry.certificate.v1',
                convert_to('{\"certificate_id\":' || id || '}', 'UTF8'),
                CASE WHEN id < 1002000 THEN 'Running' ELSE 'Pending' END,
                now() - interval '1 hour' + (id - 1000000) * interval '1 microsecond',
                CASE WHEN id < 1002000 THEN 'worker-' || id % 5 END, CASE WHEN id < 1002000 THEN now() END, id::text
         FROM generate_series(1000000, 1999999) AS id",
    ),
    (
        "certificates",
        "INSERT INTO certificates
             (id, certificate_number, device_id, customer_id, user_id, speed_limit_kmh, status, issued_at)
         SELECT id, 'SLC/' || id, id, 1000000 + id % 100000, id % 100 + 1, 80, 'active', now()
         FROM generate_series(1000000, 1999999) AS id",
    ),
    (
        "certferry.certificate_status",
        "INSERT INTO certferry.certificate_status (certificate_id, state, new_certificate_id, finished_at)
         SELECT id, CASE WHEN id % 2 = 0 THEN 'migrated' ELSE 'queued' END, CASE WHEN id % 2 = 0 THEN id END,
                CASE WHEN id % 2 = 0 THEN now() END
         FROM generate_series(1000000, 1999999) AS id",
    ),
    (
        "devices",
        "INSERT INTO devices (id, ecu_number) SELECT id, 'ECU' || id FROM generate_series(1000000, 1999999) AS id",
    ),
    (
        "certferry.mapping",
        "INSERT INTO certferry.mapping (entity, old_id, new_id, origin)
         SELECT CASE WHEN id % 2 = 0 THEN 'customer' ELSE 'technician' END, id, 1000000 + id % 100000, 'imported'
         FROM generate_series(1000000, 1999999) AS id",
    ),
    ("users", "INSERT INTO users (id, name) SELECT id, 'user' FROM generate_series(1, 100) AS id"),
    (
        "customers",
        "INSERT INTO customers (id, name, trade_license)
         SELECT id, 'customer', 'CN-' || id FROM generate_series(1000000, 1099999) AS id",
    ),
    (
        "technicians",
        "INSERT INTO technicians (id, user_id, name)
         SELECT id, id % 100 + 1, 'technician' FROM generate_series(1000000, 1099999) AS id",
    ),
];

const SOURCE: (&str, &str) = (
    "certificates",
    "INSERT INTO certificates (id, certificate_number, ecu_number, customer_id, user_id, speed, status, issue_date)
     SELECT id, 'SLC/' || id, 'ECU' || id, id, 1, '80', 'active', '2020-01-01'
     FROM generate_series(1000000, 1999999) AS id",
);

/// Tables that no query may read through.
const LARGE: [&str; 7] =
    ["jobs", "certificate_status", "mapping", "certificates", "devices", "customers", "technicians"];

struct Query {
    name: &'static str,
    sql: &'static str,
    arguments: Vec<String>,
    /// Of each of these sets, one index is used.
    indexes: &'static [&'static [&'static str]],
    /// Whether the rows must come in the index's order, so that a page costs what a page has and not what the table has.
    is_in_order: bool,
}

macro_rules! query {
    ($file:literal, ($($argument:expr),*), $indexes:expr $(, $in_order:ident)?) => {
        Query {
            name: $file,
            sql: include_str!(concat!("../../crates/", $file)),
            arguments: vec![$($argument.to_string()),*],
            indexes: $indexes,
            is_in_order: [$(stringify!($in_order)),*].contains(&"in_order"),
        }
    };
}

/// An array of a batch's values, each made from an id.
fn batch(value: impl Fn(i64) -> String) -> String {
    let values: Vec<String> = (0..500).map(|n| value(FIRST + 7_919 * n % 1_000_000)).collect();
    format!("'{{{}}}'", values.join(","))
}

fn same(value: &'static str) -> String {
    batch(|_| value.to_owned())
}

fn queries() -> Vec<Query> {
    let queue = "'certferry.certificate.v1'";
    let ids = || batch(|id| id.to_string());
    let jobs = || batch(|id| format!("01KAAAAAAAAAAAAAAAA{id}"));
    let numbers = || batch(|id| format!("SLC/{id}"));
    let (status, mapping): (&[&[&str]], &[&[&str]]) = (&[&["certificate_status_pkey"]], &[&["mapping_pkey"]]);
    let (job_key, by_certificate): (&[&[&str]], &[&[&str]]) = (&[&["jobs_pkey"]], &[&["idx_jobs_idempotency_key"]]);
    let lock_by: &[&[&str]] = &[&["idx_apalis_jobs_lock_by"]];
    let fetch: &[&[&str]] = &[&["idx_apalis_jobs_fetch_partial"], &["jobs_pkey"]];
    vec![
        query!("queue/queries/claim.sql", (queue, "'worker-1'", "'{500,31,1}'", "'epoch'", "FALSE"), fetch, in_order),
        query!("queue/queries/complete.sql", (jobs(), "'worker-1'"), job_key),
        query!("queue/queries/postpone.sql", (jobs(), same("1.5"), "'worker-1'"), job_key),
        query!("queue/queries/release.sql", (jobs(), "'worker-1'"), job_key),
        query!("queue/queries/release_all.sql", ("'worker-1'"), lock_by),
        query!("queue/queries/rescue.sql", (queue, "90"), lock_by),
        query!("queue/queries/take.sql", (queue, "'1500000'", "'desk-1'", "30"), by_certificate),
        query!("queue/queries/release_dead_desks.sql", ("'certferry.desk.v1'", "30"), lock_by),
        query!("queue/queries/remove.sql", (queue, ids()), by_certificate),
        query!("queue/queries/push.sql", (queue, jobs(), same("1"), ids(), "5", "NULL"), by_certificate),
        query!("store/queries/record_queued.sql", (ids(), "1"), &[]),
        query!("store/queries/known.sql", (ids()), status),
        query!("store/queries/states.sql", (ids()), status),
        query!("store/queries/lock_open.sql", (ids()), status),
        query!("store/queries/count_attempts.sql", (ids(), same("postponed"), same("worker-1"), same("[]")), status),
        query!("store/queries/lock_states.sql", (ids(), "'{queued}'"), status),
        query!("store/queries/keep_history.sql", (ids(), "true"), status),
        query!("store/queries/requeue.sql", (ids(), "1"), status),
        query!("store/queries/skip.sql", (ids(), "'anna'", "'why'"), status),
        query!("store/queries/status_row.sql", ("1500000"), status),
        query!("store/queries/history.sql", ("1500000", "1000"), &[]),
        query!(
            "store/queries/selected_page.sql",
            ("'{queued}'", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "1500000", "5000"),
            status,
            in_order
        ),
        query!("store/queries/note_late.sql", (ids(), "'worker-1'"), status),
        query!(
            "store/queries/finish.sql",
            (
                ids(),
                same("migrated"),
                numbers(),
                same("ECU"),
                ids(),
                ids(),
                same("null"),
                same("null"),
                same("null"),
                same("null"),
                same("null"),
                same("2026-01-01"),
                "'worker-1'",
                same("\\\\x00")
            ),
            status
        ),
        query!(
            "store/queries/lookups.sql",
            (
                batch(|id| format!("ECU{id}")),
                ids(),
                ids(),
                ids(),
                numbers(),
                batch(|id| format!("CN-{id}")),
                "'public'",
                "ARRAY[]::bigint[]"
            ),
            &[
                &["devices_ecu_number_key"],
                &["customers_trade_license_key"],
                &["mapping_pkey"],
                &["certificates_certificate_number_key"],
                &["customers_pkey"],
                &["technicians_pkey"]
            ]
        ),
        query!("store/queries/taken_numbers.sql", (numbers()), &[&["certificates_certificate_number_key"]]),
        query!("store/queries/reserve_mapping.sql", (same("technician"), ids()), &[]),
        query!("store/queries/mapped.sql", (same("technician"), ids()), mapping),
        query!(
            "store/queries/settle_mapping.sql",
            (same("technician"), ids(), ids(), same("created"), ids(), same("\\\\x00")),
            mapping
        ),
        query!(
            "store/queries/customers_by_trade_license.sql",
            (batch(|id| format!("CN-{id}"))),
            &[&["customers_trade_license_key"]]
        ),
        query!("store/queries/release_mapping.sql", (same("technician"), ids()), mapping),
        query!("store/queries/lock_devices.sql", (ids()), &[&["devices_pkey"]]),
        query!("store/queries/block_devices.sql", (ids()), &[&["devices_pkey"]]),
        query!("store/queries/note_blocked.sql", (ids()), &[&["devices_pkey"]]),
        query!("store/queries/mapping_files_page.sql", ("'technician'", "1500000", "5000"), mapping, in_order),
        query!("store/queries/mapping_files_page_of_certificates.sql", ("1500000", "5000"), status, in_order),
    ]
}

fn queries_of_the_report() -> Vec<Query> {
    let status: &[&[&str]] = &[&["certificate_status_pkey"]];
    vec![
        query!(
            "store/queries/report_page.sql",
            ("NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "1500000", "2000"),
            status,
            in_order
        ),
        query!(
            "store/queries/report_page.sql",
            ("'{failed}'", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "1500000", "2000"),
            status,
            in_order
        ),
        query!("store/queries/report_states_page.sql", ("1500000", "20000"), status, in_order),
    ]
}

#[tokio::test]
async fn the_important_queries_use_their_indexes() {
    let world = World::empty().await;
    world.succeeds("producer", ["setup", "--reference-destination"]).await;
    let url = world.destination.url();
    fill(&url, DESTINATION).await;
    let mut wrong = String::new();
    for query in queries().into_iter().chain(queries_of_the_report()) {
        // A connection of its own each, as a worker's: prepared once, planned for the values it is given until
        // PostgreSQL finds, at the sixth time, that a plan for any values does as well.
        let mut connection = PgConnection::connect(&url).await.unwrap();
        execute(&mut connection, &format!("SET jit = off; PREPARE query AS {}", query.sql)).await;
        let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE query ({})", query.arguments.join(", "));
        for time in 1..=7 {
            let row = sqlx::raw_sql(AssertSqlSafe(explain.clone())).fetch_one(&mut connection).await;
            let row = row.unwrap_or_else(|error| panic!("crates/{}: {error}", query.name));
            let plan: Value = row.get(0);
            let plan = Plan::of(&plan[0]["Plan"]);
            let Err(why) = plan.suits(&query) else { continue };
            writeln!(wrong, "crates/{}, planned for the {time}. time: {why}", query.name).unwrap();
            break;
        }
        connection.close().await.unwrap();
    }
    drop_database(&world.destination).await;
    assert!(wrong.is_empty(), "{wrong}");
}

#[derive(Default)]
struct Plan {
    indexes: BTreeSet<String>,
    read_through: BTreeSet<String>,
    is_sorted: bool,
}

impl Plan {
    fn of(node: &Value) -> Self {
        let mut plan = Self::default();
        plan.add(node);
        plan
    }

    fn add(&mut self, node: &Value) {
        let text = |key: &str| node[key].as_str().unwrap_or_default().to_owned();
        if text("Node Type") == "Seq Scan" {
            self.read_through.insert(text("Relation Name"));
        }
        self.is_sorted |= text("Node Type").contains("Sort");
        self.indexes.extend(node["Index Name"].as_str().map(str::to_owned));
        let arbiters = node["Conflict Arbiter Indexes"].as_array().into_iter().flatten();
        self.indexes.extend(arbiters.filter_map(Value::as_str).map(str::to_owned));
        for child in node["Plans"].as_array().into_iter().flatten() {
            self.add(child);
        }
    }

    fn suits(&self, query: &Query) -> Result<(), String> {
        if let Some(table) = LARGE.iter().find(|table| self.read_through.contains(**table)) {
            return Err(format!("it reads {table} through"));
        }
        if let Some(meant) = query.indexes.iter().find(|meant| !meant.iter().any(|name| self.indexes.contains(*name))) {
            return Err(format!("it uses {:?} and not {}", self.indexes, meant.join(" or ")));
        }
        if query.is_in_order && self.is_sorted {
            return Err("it sorts what an index has in order".to_owned());
        }
        Ok(())
    }
}

#[tokio::test]
async fn pages_and_batches_of_the_source_are_read_through_its_key() {
    let world = World::empty().await;
    let url = world.source.url();
    load::legacy_schema(&url).await.unwrap();
    fill(&url, &[SOURCE]).await;
    let source = Source::connect(&url, &certferry_source::Settings::default()).await.unwrap();
    let scans = scans(&url).await;
    let (mut after, mut seen) = (None, 0);
    while seen < 25_000 {
        let page = source.ids_page(after, 5000, &Selection::all()).await.unwrap();
        let certificates = source.certificates(&page.ids[..500]).await.unwrap();
        assert_eq!((page.ids.len(), certificates.len()), (5000, 500));
        seen += page.ids.len();
        after = page.next;
    }
    source.close().await;
    let (through, by_index) = self::scans(&url).await;
    assert_eq!(through, scans.0, "it reads the table through");
    assert!(by_index >= scans.1 + 10, "{by_index}");
    drop_database(&world.source).await;
}

/// How often `certificates` was read through, and by an index, by connections that are closed.
async fn scans(url: &str) -> (i64, i64) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let others = "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    let gone = async {
        while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut connection).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gone).await.expect("the source's connections stay");
    let counts = "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'certificates'";
    let row = sqlx::query(counts).fetch_one(&mut connection).await.unwrap();
    (row.get(0), row.get(1))
}

/// Fills tables by `(table, statements)`, two at a time, without triggers, then builds their indexes and analyzes.
async fn fill(url: &str, tables: &[(&str, &str)]) {
    let waiting = Mutex::new(tables.iter());
    let lane = async || {
        let mut connection = PgConnection::connect(url).await.unwrap();
        execute(&mut connection, "SET session_replication_role = replica; SET maintenance_work_mem = '256MB'").await;
        while let Some((table, statements)) = { waiting.lock().unwrap().next() } {
            // Building an index once takes a tenth of the time of adding a million entries; REINDEX makes it ready.
            let unready = format!("UPDATE pg_index SET indisready = false WHERE indrelid = '{table}'::regclass");
            execute(&mut connection, &unready).await;
            execute(&mut connection, statements).await;
            execute(&mut connection, &format!("REINDEX TABLE {table}")).await;
            execute(&mut connection, &format!("ANALYZE {table}")).await;
        }
        connection.close().await.unwrap();
    };
    tokio::join!(lane(), lane());
}

/// Gives the memory back while other tests run.
async fn drop_database(database: &Database) {
    let url = database.url().replace(database.name(), "postgres");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    execute(&mut connection, &format!("DROP DATABASE {} WITH (FORCE)", database.name())).await;
}

async fn execute(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}
