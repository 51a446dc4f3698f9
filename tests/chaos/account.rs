//! What became of every certificate, by both sides.

use std::collections::{BTreeMap, HashSet};

use certferry_testkit::cases;
use serde_json::Value;
use sqlx::{Connection, PgConnection, Row};

use super::run::Data;
use crate::world::World;

/// Each row of the status table, and whether its certificate or its job is where it says.
const STATUS: &str = "
SELECT status.certificate_id, status.state,
       CASE status.state WHEN 'migrated' THEN certificate.id IS NOT NULL WHEN 'queued' THEN job.id IS NOT NULL
                         ELSE true END AS is_accounted_for
FROM certferry.certificate_status AS status
LEFT JOIN certificates AS certificate ON certificate.id = status.new_certificate_id
LEFT JOIN (SELECT id, (convert_from(job, 'UTF8')::jsonb ->> 'certificate_id')::bigint AS certificate_id FROM apalis.jobs)
    AS job ON job.certificate_id = status.certificate_id";

/// Certificates in the destination that are not exactly one status row's.
const DUPLICATED: &str = "
SELECT count(*) FROM certificates AS certificate
LEFT JOIN (SELECT new_certificate_id, count(*) AS times FROM certferry.certificate_status GROUP BY new_certificate_id)
    AS status ON status.new_certificate_id = certificate.id
WHERE status.times IS DISTINCT FROM 1";

/// What a scenario came to.
#[derive(Debug, Default, Clone)]
pub(crate) struct Outcome {
    pub(crate) certificates: i64,
    /// In the source, but neither migrated nor failed nor skipped nor waiting with a job.
    pub(crate) lost: usize,
    pub(crate) duplicated: i64,
    /// Failed, though nothing is wrong with them.
    pub(crate) wrongly_failed: usize,
    /// Migrated, though they should have failed.
    pub(crate) wrongly_migrated: usize,
    pub(crate) late_results: i64,
    /// From the return of what was away until more certificates were finished; the longest where it was away repeatedly.
    pub(crate) recovery_seconds: Option<f64>,
    pub(crate) notes: Vec<String>,
    /// Why it could not be played here.
    pub(crate) left_out: Option<String>,
}

impl Outcome {
    pub(crate) fn left_out(why: impl Into<String>) -> Self {
        Self { left_out: Some(why.into()), ..Self::default() }
    }

    /// The account of a world in which every certificate of the data was enqueued.
    pub(crate) async fn of(world: &World, data: Data) -> Self {
        let mut source = PgConnection::connect(&world.source.url()).await.unwrap();
        let selected: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM certificates").fetch_all(&mut source).await.unwrap();
        let rows = world.rows(STATUS).await;
        let status: BTreeMap<i64, (String, bool)> =
            rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
        assert_eq!(status.len(), rows.len(), "a certificate has two jobs");
        let bad = bad_ones(data);
        let count = |wrong: &dyn Fn(i64, &str) -> bool| {
            let judged = status.iter().filter(|(id, (state, _))| wrong(**id, state));
            judged.count()
        };
        let in_state = |state: &str| i64::try_from(count(&|_, other| other == state)).unwrap();
        let migrated = in_state("migrated");
        assert_eq!(world.number("SELECT count(*) FROM certificates").await, migrated, "migrated, by the destination");
        assert_eq!(
            i64::try_from(selected.len()).unwrap(),
            migrated + in_state("failed") + in_state("skipped") + in_state("queued"),
            "selected = migrated + failed + skipped + queued"
        );
        Self {
            certificates: i64::try_from(selected.len()).unwrap(),
            lost: selected.iter().filter(|id| !status.get(id).is_some_and(|(_, accounted_for)| *accounted_for)).count(),
            duplicated: world.number(DUPLICATED).await,
            wrongly_failed: count(&|id, state| state == "failed" && !bad.contains(&id)),
            wrongly_migrated: count(&|id, state| state == "migrated" && bad.contains(&id)),
            late_results: world.number("SELECT count(*) FROM certferry.late_result").await,
            ..Self::default()
        }
    }

    /// Adds what there is to say beside the figures.
    pub(crate) fn noting(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(crate) fn assert_clean(&self) {
        let wrong = (self.lost, self.duplicated, self.wrongly_failed, self.wrongly_migrated);
        assert_eq!(wrong, (0, 0, 0, 0), "lost, duplicated, wrongly failed, wrongly migrated");
    }
}

/// The certificates that cannot be migrated.
fn bad_ones(data: Data) -> HashSet<i64> {
    match data {
        Data::Cases => {
            let expected = std::fs::read_to_string(cases::expected()).unwrap();
            let expected = expected.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let failed = expected.filter(|case| case["state"] == "failed");
            failed.map(|case| case["certificate_id"].as_i64().unwrap()).collect()
        }
        Data::Generated(dataset) => {
            let bad = (1..=dataset.certificates).filter(|id| dataset.fault(*id).is_some());
            bad.map(|id| i64::try_from(id).unwrap()).collect()
        }
    }
}
