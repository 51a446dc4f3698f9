//! What pages and lookups cost the server.

use std::time::{Duration, Instant};

use certferry_certificate::OldId;
use certferry_source::{Selection, Source};
use sqlx::{Connection, PgConnection};

use crate::legacy::Legacy;

/// A query that reads the whole table for a page, or for a lookup, would take days on a large one.
#[tokio::test]
async fn pages_and_lookups_go_by_the_index() {
    let rows: Vec<_> = (1..=20_000).map(|id| (id, "ECU")).collect();
    let legacy = Legacy::certificates(&rows).await;
    legacy.execute("ANALYZE").await;
    let source = legacy.source().await;
    for after in [None, Some(OldId(9000)), Some(OldId(19_990))] {
        source.ids_page(after, 100, &Selection::all()).await.expect("a page");
    }
    source.certificates(&[5, 19_000].map(OldId)).await.expect("certificates");
    source.ids_page(None, 100, &Selection::all().with_ids([5, 6].map(OldId))).await.expect("a page");
    let read = rows_read(&legacy, source, 200).await;
    assert!((200..500).contains(&read), "{read} rows were read");

    // The ECU filter does read the table, and that shows that the measure works.
    let source = legacy.source().await;
    source.ids_page(None, 100, &Selection::all().with_ecu_numbers(["nothing"])).await.expect("a page");
    assert!(rows_read(&legacy, source, 20_000).await >= 20_000);
}

/// How many certificates the server has read. A session has written its statistics once it is gone; before PostgreSQL 15
/// another process still has to collect them, so they are waited for until there are so many, for some seconds.
async fn rows_read(legacy: &Legacy, source: Source, expected: i64) -> i64 {
    source.close().await;
    let sessions = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'certferry source'";
    while statistic(legacy, sessions).await > 0 {
        tokio::task::yield_now().await;
    }
    let rows = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'certificates'";
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let read = statistic(legacy, rows).await;
        if read >= expected || Instant::now() > deadline {
            return read;
        }
    }
}

async fn statistic(legacy: &Legacy, query: &'static str) -> i64 {
    let mut connection = PgConnection::connect(legacy.url()).await.expect("a connection");
    sqlx::query_scalar(query).fetch_one(&mut connection).await.expect("statistics")
}
