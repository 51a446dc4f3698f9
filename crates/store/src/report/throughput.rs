use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use crate::Error;

/// Certificates that workers finished, in intervals of one length from the first to the last of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Throughput {
    /// How long each interval is.
    pub seconds: f64,
    /// One after the other, also those in which nothing was finished; none where nothing ever was.
    pub intervals: Vec<Interval>,
}

/// What was finished in an interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// When it begins.
    pub at: DateTime<Utc>,
    /// Certificates that were migrated.
    pub migrated: i64,
    /// Certificates that failed.
    pub failed: i64,
}

/// What workers finished over the time, in about so many intervals; of one run alone where it is given.
pub async fn throughput(connection: &mut PgConnection, run: Option<i64>, intervals: i32) -> Result<Throughput, Error> {
    let rows = sqlx::query_file!("queries/report_throughput.sql", run, intervals)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("read when certificates were finished", error))?;
    let mut throughput = Throughput::default();
    for row in rows {
        throughput.seconds = row.seconds;
        let place = usize::try_from(row.interval).unwrap_or(0);
        while throughput.intervals.len() <= place {
            #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
            let offset = row.seconds * 1000.0 * throughput.intervals.len() as f64;
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a migration")]
            let at = row.begun_at + TimeDelta::milliseconds(offset as i64);
            throughput.intervals.push(Interval { at, migrated: 0, failed: 0 });
        }
        throughput.intervals[place].migrated += row.migrated;
        throughput.intervals[place].failed += row.failed;
    }
    Ok(throughput)
}
