//! What a report says beside its rows: how the migration stands, what it ran into, and what does not add up.

use certferry_operations::operator;
use certferry_store::{
    Run, RunOutcome, Scope, Summary, Throughput, Transaction, ValueCauses, causes_by_value, runs, summary, throughput,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::accounts::Unaccounted;
use crate::totals::{Counted, WarningCount};

/// The most frequent causes that a report shows.
const MOST_CAUSES: i64 = 10_000;

/// The newest runs that a report shows.
const MOST_RUNS: i64 = 10_000;

/// Intervals of the throughput over time.
const INTERVALS: i32 = 60;

/// What is known before the rows are read.
pub(crate) struct Facts {
    /// What became of the certificates; before the rows are counted, what the kept counts say of all of them or of one run.
    pub(crate) summary: Summary,
    pub(crate) warnings: Vec<WarningCount>,
    pub(crate) causes: ValueCauses,
    /// None where the report is narrowed to what the kept counts do not know.
    pub(crate) throughput: Throughput,
    /// The newest first.
    pub(crate) runs: Vec<Run>,
    /// None where the report is narrowed.
    pub(crate) unaccounted: Option<Unaccounted>,
    /// What does not add up, in words.
    pub(crate) contradictions: Vec<String>,
    /// Which certificates the report is about; none where it is all of them.
    pub(crate) narrowed: Option<String>,
    pub(crate) made_by: String,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) timezone: Tz,
    is_selecting: bool,
    is_all: bool,
}

impl Facts {
    pub(crate) async fn gather(
        snapshot: &mut Transaction,
        scope: &Scope,
        narrowed: Option<String>,
        timezone: Tz,
    ) -> Result<Self, certferry_store::Error> {
        let run = scope.filter.run;
        let summary = summary(snapshot, scope.only_run().flatten()).await?;
        let made_at = summary.as_of.unwrap_or_else(Utc::now);
        let runs = runs(snapshot, run, MOST_RUNS).await?;
        let throughput = match scope.only_run() {
            Some(run) => throughput(snapshot, run, INTERVALS).await?,
            None => Throughput::default(),
        };
        Ok(Self {
            causes: causes_by_value(snapshot, scope, MOST_CAUSES).await?,
            is_selecting: runs.iter().any(|run| run.outcome() == RunOutcome::Running),
            contradictions: contradictions(&runs),
            is_all: scope.is_all(),
            warnings: Vec::new(),
            unaccounted: None,
            made_by: operator().to_string(),
            summary,
            throughput,
            runs,
            narrowed,
            made_at,
            timezone,
        })
    }

    /// What every sheet says of a migration that is not finished.
    pub(crate) fn unfinished(&self) -> Option<String> {
        match self.summary.queued {
            1 => Some("UNFINISHED: 1 certificate was still queued when this report was made".to_owned()),
            2.. => Some(format!(
                "UNFINISHED: {} certificates were still queued when this report was made",
                grouped(self.summary.queued)
            )),
            _ if self.is_selecting => {
                Some("UNFINISHED: certificates were still being queued when this report was made".to_owned())
            }
            _ => None,
        }
    }

    /// Takes the counts of the rows; where the report is about all certificates, they must be those that were kept.
    pub(crate) fn count(&mut self, counted: Counted) {
        let Counted { summary, warnings, unknown } = counted;
        let kept = std::mem::take(&mut self.summary);
        if unknown > 0 {
            self.contradictions.push(format!("{unknown} certificates are in a state that this version does not know"));
        }
        if self.is_all {
            let counts = |of: &Summary| [of.queued, of.migrated, of.failed, of.skipped, of.reverted];
            if counts(&kept) != counts(&summary) {
                let (kept, counted) = (counts(&kept), counts(&summary));
                let words =
                    ["queued", "migrated", "failed", "skipped", "reverted"].into_iter().zip(kept.iter().zip(counted));
                let differing = words.filter(|(_, (kept, counted))| *kept != counted);
                let differing = differing.map(|(state, (kept, counted))| format!("{state}: {kept} and {counted}"));
                let differing = differing.collect::<Vec<_>>().join(", ");
                self.contradictions.push(format!("the counts that were kept are not those of the rows ({differing})"));
            }
        }
        let (late_results, as_of) = (kept.late_results, kept.as_of);
        self.summary = Summary { late_results, as_of, ..summary };
        self.warnings = warnings;
    }

    /// `5,007 = 4,503 migrated + 502 failed + …`
    pub(crate) fn equation(&self) -> String {
        let Summary { queued, migrated, failed, skipped, reverted, .. } = self.summary;
        let [total, queued, migrated, failed, skipped, reverted] =
            [self.summary.total(), queued, migrated, failed, skipped, reverted].map(grouped);
        format!(
            "{total} = {migrated} migrated + {failed} failed + {queued} queued + {skipped} skipped + {reverted} reverted"
        )
    }

    /// Whether it adds up, in one word or with all that does not.
    pub(crate) fn verdict(&self) -> String {
        if self.contradictions.is_empty() {
            "adds up".to_owned()
        } else {
            format!("DOES NOT ADD UP: {}", self.contradictions.join("; "))
        }
    }

    /// What a person must look at: the exit code is 3 then.
    pub(crate) fn attention(&self) -> Option<String> {
        let unaccounted = self.unaccounted.as_ref().filter(|unaccounted| unaccounted.total() > 0);
        let unaccounted = unaccounted.map(|unaccounted| format!("not accounted for: {unaccounted}"));
        let words: Vec<String> = self.contradictions.iter().cloned().chain(unaccounted).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

fn contradictions(runs: &[Run]) -> Vec<String> {
    let broken = runs.iter().filter(|run| !run.adds_up());
    broken
        .map(|run| {
            let found = run.queued + run.migrated + run.failed + run.skipped + run.reverted;
            format!("run {} selected {} certificates, and {found} are found", run.run, run.selected)
        })
        .collect()
}

/// `1,234,567`.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
