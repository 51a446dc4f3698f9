//! What would become of the certificates: all of them planned, and nothing written.

use std::time::Duration;

use certferry_bootstrap::{Config, HintFrom, Progress};
use certferry_migration::{Planner, References};
use certferry_operations::{Assess, Assessed};
use certferry_source::{Selection, Source};
use certferry_store::Database;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::cli::Check;
use crate::connections;

/// How much longer a certificate takes to be enqueued, planned, written and recorded than to be planned alone, and one that
/// fails: round figures, guessed from the costs in `bench/RESULTS.md` and not measured together with planning. An estimate
/// made with them is rough.
const WRITING: f64 = 3.0;
const FAILING: f64 = 1.5;

/// What would become of the certificates.
#[derive(Debug, Default)]
pub(super) struct Assessment {
    /// Rows of the source that cannot be told apart by their id; none when they could not be counted.
    pub(super) unaddressable: Option<u64>,
    /// The first hundred of those, in words.
    pub(super) unaddressable_named: Vec<String>,
    /// None where no certificate was planned.
    pub(super) figures: Option<Figures>,
}

/// The figures of planned certificates.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figures {
    #[serde(flatten)]
    pub(super) planned: certferry_migration::Assessment,
    /// Certificates that are migrated already, and were not planned.
    pub(super) migrated: u64,
    /// Certificates that a person has set aside, and that were not planned.
    pub(super) skipped: u64,
    /// Whether only some were planned: then all figures but the estimate are those of the sample.
    pub(super) is_sample: bool,
    /// All certificates that are neither migrated nor set aside.
    pub(super) unmigrated: u64,
    /// How long one worker as configured would take for all of those; null where nothing was measured.
    pub(super) seconds_estimated: Option<f64>,
    /// How long planning took.
    seconds_taken: f64,
}

impl Serialize for Assessment {
    /// One object; its figures are null where no certificate was planned.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let figures = self.figures.as_ref();
        let object = match figures {
            Some(figures) => serde_json::to_value(figures),
            None => serde_json::to_value(Figures::default()),
        };
        let mut object = match object.map_err(serde::ser::Error::custom)? {
            Value::Object(object) => object,
            _ => Map::new(),
        };
        if figures.is_none() {
            object.values_mut().for_each(|value| *value = Value::Null);
        }
        object.insert("unaddressable".to_owned(), self.unaddressable.into());
        object.insert("unaddressable_named".to_owned(), self.unaddressable_named.clone().into());
        object.serialize(serializer)
    }
}

impl Assessment {
    pub(super) fn is_planned(&self) -> bool {
        self.figures.is_some()
    }
}

/// Plans the certificates that are not migrated, and says whom they refer to.
pub(super) async fn plan(
    config: &Config,
    arguments: &Check,
    database: &Database,
    source: &Source,
    assessment: &mut Assessment,
) -> anyhow::Result<References> {
    let hint = certferry_store::Error::hint;
    let catalog = certferry_store::catalog(database).await.hint_from(hint)?;
    let total = source.count(&Selection::all()).await.hint_from(certferry_source::Error::hint)?;
    let progress = Progress::start("planning certificates", total);
    let memory = config.worker.max_memory;
    let assess = Assess {
        planner: Planner { source: source.clone(), database: database.clone(), policy: config.policy(), catalog },
        page_size: config.source.page_size,
        batches: connections::at_once(config),
        one_of: arguments.sample.map_or(1, |sample| total.unwrap_or_default().div_ceil(sample).max(1)),
        worker_memory: (memory.bytes(), memory.to_string()),
    };
    let assessed = assess.run(|certificates| progress.advance(certificates)).await;
    let assessed = assessed.hint_from(certferry_migration::Error::hint)?;
    progress.finish();
    let Assessed { assessment: planned, references, unmigrated, migrated, skipped, took, planning } = assessed;
    assessment.figures = Some(Figures {
        seconds_estimated: estimate(&planned, unmigrated, planning),
        is_sample: planned.certificates < unmigrated,
        planned,
        migrated,
        skipped,
        unmigrated,
        seconds_taken: rounded(took.as_secs_f64()),
    });
    Ok(references)
}

/// How long a worker takes, from how long planning took: so much longer for each that is migrated, and for each that fails.
#[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
fn estimate(planned: &certferry_migration::Assessment, unmigrated: u64, planning: Duration) -> Option<f64> {
    if unmigrated == 0 {
        return Some(0.0);
    }
    if planned.certificates == 0 {
        return None;
    }
    let weighted = WRITING * planned.would_migrate as f64 + FAILING * planned.would_fail as f64;
    let each = planning.as_secs_f64() / planned.certificates as f64;
    Some(rounded(each * weighted / planned.certificates as f64 * unmigrated as f64))
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_of_all_that_are_not_migrated() {
        let planned = |would_migrate, would_fail| certferry_migration::Assessment {
            certificates: would_migrate + would_fail,
            would_migrate,
            would_fail,
            ..certferry_migration::Assessment::default()
        };
        let second = Duration::from_secs(1);
        assert_eq!(estimate(&planned(100, 0), 100, second), Some(3.0));
        assert_eq!(estimate(&planned(0, 100), 100, second), Some(1.5));
        assert_eq!(estimate(&planned(100, 0), 1000, second), Some(30.0), "of a sample");
        assert_eq!(estimate(&planned(0, 0), 0, second), Some(0.0));
        assert_eq!(estimate(&planned(0, 0), 7, second), None, "nothing was measured");
    }

    #[test]
    fn figures_that_are_not_known_are_null() {
        let unplanned = Assessment { unaddressable: Some(2), ..Assessment::default() };
        let document = serde_json::to_value(&unplanned).expect("JSON");
        let planned = Assessment { figures: Some(Figures::default()), ..Assessment::default() };
        let planned = serde_json::to_value(&planned).expect("JSON");
        for key in [
            "certificates",
            "would_migrate",
            "would_fail",
            "by_kind",
            "by_code",
            "by_field",
            "warnings",
            "would_create",
            "seconds_estimated",
            "fixes",
        ] {
            assert_eq!(document[key], Value::Null, "{key}");
            assert!(planned.get(key).is_some(), "{key}");
        }
        assert_eq!(document["unaddressable"], 2);
        assert_eq!(planned["would_create"], serde_json::json!({"customers": 0, "technicians": 0}));
        assert_eq!((&planned["by_code"], &planned["unaddressable"]), (&serde_json::json!({}), &Value::Null));
    }
}
