use std::fmt::{self, Write as _};

use anyhow::Context;
use certferry_bootstrap::{Config, HintFrom, Shutdown};
use certferry_store::{Error, Run};
use chrono_tz::Tz;
use serde::Serialize;

use crate::{cli, connections};

/// The runs, the newest first.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Runs {
    runs: Vec<Run>,
    #[serde(skip)]
    timezone: Tz,
}

impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.runs.is_empty() {
            return f.write_str("there was no run yet; `producer enqueue` begins the first one");
        }
        let rows = self.runs.iter().map(|run| self.row(run));
        let head =
            ["run", "kind", "at", "by", "selected", "queued", "migrated", "failed", "skipped", "reverted", "outcome"];
        let rows: Vec<[String; 11]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
        let widths: Vec<usize> =
            (0..head.len()).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let gap = if at == 0 { "" } else { "  " };
                let is_number = at == 0 || (4..10).contains(&at);
                if is_number {
                    write!(line, "{gap}{cell:>width$}")?;
                } else {
                    write!(line, "{gap}{cell:<width$}")?;
                }
            }
            f.write_str(line.trim_end())?;
        }
        Ok(())
    }
}

impl Runs {
    fn row(&self, run: &Run) -> [String; 11] {
        let outcome = run.outcome().as_str().replace('_', " ");
        [
            run.run.to_string(),
            run.kind.as_str().to_owned(),
            run.at.with_timezone(&self.timezone).format("%Y-%m-%d %H:%M").to_string(),
            format!("{}@{}", run.by, run.host),
            run.selected.to_string(),
            run.queued.to_string(),
            run.migrated.to_string(),
            run.failed.to_string(),
            run.skipped.to_string(),
            run.reverted.to_string(),
            [(!run.adds_up(), ", does not add up"), (run.is_interrupted(), ", interrupted")]
                .into_iter()
                .filter(|(holds, _)| *holds)
                .fold(outcome, |outcome, (_, remark)| outcome + remark),
        ]
    }
}

/// Lists the runs.
pub(crate) async fn run(config: &Config, arguments: &cli::Runs, shutdown: &Shutdown) -> anyhow::Result<Runs> {
    let reading = async {
        let database = connections::steering_database(config).await?;
        let mut snapshot = database.begin_snapshot().await?;
        let runs = certferry_store::runs(&mut snapshot, None, arguments.limit.into()).await.hint_from(Error::hint)?;
        snapshot.rollback().await?;
        database.close().await;
        Ok(Runs { runs, timezone: config.dates.timezone })
    };
    shutdown.interrupting(reading).await.context("interrupted")?
}
