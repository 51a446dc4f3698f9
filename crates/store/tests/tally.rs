//! The tally is what counting the status table would give, whoever changes that, and an upgrade begins with what is there.

use std::time::Duration;

use certferry_certificate::{Filter, OldId, State};
use certferry_store::{Database, RunKind, Settings};
use certferry_testkit::postgres::{Database as Fresh, Template};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The migrations before there were runs.
const BEFORE_RUNS: &[&str] = &[
    "CREATE SCHEMA certferry",
    include_str!("../migrations/20261101000000_status_and_mapping.sql"),
    include_str!("../migrations/20261122000000_pause_and_recent_batches.sql"),
    include_str!("../migrations/20261122120000_write_each.sql"),
    include_str!("../migrations/20261124120000_write_in_turn.sql"),
    include_str!("../migrations/20261124230000_producer_at_work.sql"),
    include_str!("../migrations/20261124230100_manifest.sql"),
    include_str!("../migrations/20261124231000_waiting.sql"),
];

const RUNS: &str = include_str!("../migrations/20261125100000_runs_and_history.sql");
const EVIDENCE: &str = include_str!("../migrations/20261125120000_evidence.sql");

/// Rows of the tally that are not what counting gives.
const DIFFERENCES: &str = "
    WITH counted AS (
        SELECT run_id, state, error_kind, error_code, issues #>> '{0,field}', count(*)::numeric
        FROM certferry.certificate_status GROUP BY 1, 2, 3, 4, 5
    ),
    told AS (
        SELECT run_id, state, error_kind, error_code, error_field, sum(certificates)
        FROM certferry.tally GROUP BY 1, 2, 3, 4, 5 HAVING sum(certificates) <> 0
    )
    SELECT count(*)
    FROM ((SELECT * FROM counted EXCEPT SELECT * FROM told) UNION ALL (SELECT * FROM told EXCEPT SELECT * FROM counted)) AS d";

async fn fresh() -> (Fresh, PgConnection) {
    let fresh = Fresh::fresh(Template::empty()).await.expect("the database answers");
    let connection = PgConnection::connect(&fresh.url()).await.expect("the database answers");
    (fresh, connection)
}

async fn execute(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.expect(sql);
}

async fn number(connection: &mut PgConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.expect(sql)
}

async fn store(fresh: &Fresh) -> Database {
    let settings = Settings {
        url: fresh.url(),
        destination_schema: "public".to_owned(),
        max_connections: 2,
        connect_timeout: Duration::from_secs(30),
        statement_timeout: Duration::from_secs(30),
        lock_timeout: Duration::from_secs(30),
        application_name: "certferry",
    };
    Database::connect(&settings).await.expect("the database answers")
}

#[tokio::test]
async fn an_upgrade_counts_what_is_there_and_old_workers_go_on() {
    let (fresh, mut connection) = fresh().await;
    for sql in BEFORE_RUNS {
        execute(&mut connection, sql).await;
    }
    let rows = "
        INSERT INTO certferry.certificate_status (certificate_id, state, new_certificate_id, started_at, finished_at)
        SELECT n, 'migrated', n, now(), now() FROM generate_series(1, 50) AS n;
        INSERT INTO certferry.certificate_status (
            certificate_id, state, error_kind, error_code, error_message, issues, finished_at
        )
        SELECT n, 'failed', 'validation', 'invalid_speed', 'x', '[{\"field\": \"speed\"}]', now() FROM generate_series(51, 60) AS n;
        INSERT INTO certferry.certificate_status (certificate_id) SELECT n FROM generate_series(61, 100) AS n";
    execute(&mut connection, rows).await;
    execute(&mut connection, RUNS).await;
    assert_eq!(number(&mut connection, DIFFERENCES).await, 0);
    // What a worker and a producer of the version before write.
    execute(&mut connection, "INSERT INTO certferry.certificate_status (certificate_id) VALUES (101), (102)").await;
    execute(
        &mut connection,
        "UPDATE certferry.certificate_status SET state = 'migrated', new_certificate_id = certificate_id, finished_at = now(),
             started_at = now() WHERE certificate_id BETWEEN 61 AND 70",
    )
    .await;
    assert_eq!(number(&mut connection, DIFFERENCES).await, 0);
    let database = store(&fresh).await;
    let mut snapshot = database.begin_snapshot().await.expect("the database answers");
    let summary = certferry_store::summary(&mut snapshot, None).await.expect("the database answers");
    assert_eq!((summary.migrated, summary.failed, summary.queued, summary.total()), (60, 10, 32, 102));
    let last_failed = summary.last_failed.expect("ten failed");
    assert_eq!(last_failed.certificate_id, OldId(60));
}

#[tokio::test]
async fn the_tally_is_what_counting_gives_whoever_changes_rows() {
    let (fresh, mut connection) = fresh().await;
    for sql in BEFORE_RUNS.iter().chain([&RUNS, &EVIDENCE]) {
        execute(&mut connection, sql).await;
    }
    let database = store(&fresh).await;
    let filter = json!({});
    let run = certferry_store::begin_run(&database, RunKind::Enqueue, "anna", "desk", &filter).await.expect("a run");
    let ids: Vec<OldId> = (1..=40).map(OldId).collect();
    let mut transaction = database.begin().await.expect("a transaction");
    certferry_store::record_queued(&mut transaction, &ids, Some(run)).await.expect("rows");
    assert!(certferry_store::select_in_run(&mut transaction, run, ids.len()).await.expect("a run"));
    transaction.commit().await.expect("it commits");
    for sql in [
        "UPDATE certferry.certificate_status SET state = 'failed', error_kind = 'mapping', error_code = 'missing_device',
             error_message = 'x', finished_at = now() WHERE certificate_id % 4 = 0",
        "UPDATE certferry.certificate_status SET attempts = attempts + 1",
        "DELETE FROM certferry.certificate_status WHERE certificate_id > 38",
        "INSERT INTO certferry.certificate_status (certificate_id, state, new_certificate_id, finished_at)
         VALUES (1, 'migrated', 5, now()), (50, 'migrated', 6, now())
         ON CONFLICT (certificate_id) DO UPDATE
         SET state = excluded.state, new_certificate_id = excluded.new_certificate_id, finished_at = excluded.finished_at",
    ] {
        execute(&mut connection, sql).await;
        assert_eq!(number(&mut connection, DIFFERENCES).await, 0, "{sql}");
    }

    let again = certferry_store::begin_run(&database, RunKind::Retry, "anna", "desk", &filter).await.expect("a run");
    let failed = Filter { states: vec![State::Failed], ..Filter::default() };
    let mut transaction = database.begin().await.expect("a transaction");
    let page = certferry_store::selected_page(&mut transaction, &failed, OldId(i64::MIN), 100).await.expect("a page");
    let locked = certferry_store::lock_states(&mut transaction, &page, &[State::Failed]).await.expect("a page");
    certferry_store::requeue(&mut transaction, &locked, again).await.expect("they are queued");
    certferry_store::select_in_run(&mut transaction, again, locked.len()).await.expect("a run");
    certferry_store::skip(&mut transaction, &[OldId(2), OldId(4)], "anna", "why").await.expect("they are set aside");
    transaction.commit().await.expect("it commits");
    assert_eq!((locked.len(), number(&mut connection, DIFFERENCES).await), (9, 0));
    let mut snapshot = database.begin_snapshot().await.expect("the database answers");
    let runs = certferry_store::runs(&mut snapshot, None, 10).await.expect("the runs");
    let counts: Vec<_> =
        runs.iter().map(|run| (run.selected, run.queued, run.migrated, run.failed, run.skipped)).collect();
    // Two rows of the first run were deleted by hand, and so it does not add up.
    assert_eq!(counts, [(9, 8, 0, 0, 1), (40, 27, 1, 9, 1)]);
    assert_eq!(runs.iter().map(certferry_store::Run::adds_up).collect::<Vec<_>>(), [true, false]);
    snapshot.rollback().await.expect("it ends");

    execute(&mut connection, "TRUNCATE certferry.certificate_status").await;
    assert_eq!(number(&mut connection, DIFFERENCES).await, 0);
}
