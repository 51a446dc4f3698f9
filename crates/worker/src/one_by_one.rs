//! One certificate after the other, each as a person decides. `commands.md`, one-by-one.

mod answer;
mod document;
mod input;
mod rows;
mod screen;
mod session;
mod tally;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use anyhow::Context;
use certferry_bootstrap::{Config, HintFrom, Shutdown, output};
use certferry_migration::Planner;
use certferry_operations::{Candidates, Desk, Error, Participant, operator};
use certferry_store::Database;
use futures::FutureExt;

use crate::cli::OneByOne;
use crate::connected::connect_desk;
use crate::metrics::Metrics;
use input::Input;
use session::{Session, Shown};

/// The longest that giving back what lies on the desk may take.
const LONGEST_END: Duration = Duration::from_secs(10);

/// Shows certificates and does with each what the person answers, until there is none left, or the person has had enough.
pub(crate) async fn run(config: &Config, arguments: &OneByOne) -> anyhow::Result<()> {
    let filter = arguments.filter.filter()?;
    let shutdown = Shutdown::listen().context("could not listen for signals")?;
    let opening = async {
        let (database, source) = connect_desk(config).await?;
        let by = operator();
        let name = format!("one-by-one of {by}");
        Participant { config, database: &database, source: Some(&source), uses_rules: true, name: &name }
            .agree()
            .await?;
        let catalog = certferry_store::catalog(&database).await.hint_from(certferry_store::Error::hint)?;
        say_whether_paused(&database).await?;
        let planner = Planner { source, database, policy: config.policy(), catalog };
        let described = serde_json::to_value(&filter).context("could not describe the filter")?;
        let desk = Desk::open(planner, by, config.worker.orphan_after, &described).await.hint_from(Error::hint)?;
        anyhow::Ok(desk)
    };
    let Some(desk) = shutdown.interrupting(Box::pin(opening)).await else { return Ok(()) };
    let mut session = Session {
        desk: desk?,
        candidates: Candidates::of(filter, config.source.page_size),
        input: Input::begin().context("could not read standard input")?,
        shown: if arguments.json { Shown::Documents } else { Shown::Text(config.dates.timezone) },
        shutdown,
        patience: config.database.statement_timeout.max(config.source.statement_timeout) * 2,
        tally: tally::Tally::default(),
        metrics: Metrics::new(),
        visited: std::collections::VecDeque::new(),
        place: 0,
    };
    let ended = AssertUnwindSafe(Box::pin(session.run())).catch_unwind().await;
    let Session { desk, tally, shown, .. } = session;
    match tokio::time::timeout(LONGEST_END, desk.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "what lay on the desk falls free by itself");
        }
        Err(_) => tracing::warn!("a database does not answer; what lay on the desk falls free by itself"),
    }
    match ended {
        Ok(ended) => {
            // What was decided is said also where it could not go on.
            shown.tally(tally)?;
            ended
        }
        Err(panicked) => resume_unwind(panicked),
    }
}

/// A pause is for workers; whoever decides one by one should know of it.
async fn say_whether_paused(database: &Database) -> anyhow::Result<()> {
    let mut snapshot = database.begin_snapshot().await.hint_from(certferry_store::Error::hint)?;
    let pause = certferry_store::open_pause(&mut snapshot).await.hint_from(certferry_store::Error::hint)?;
    snapshot.rollback().await.hint_from(certferry_store::Error::hint)?;
    if let Some(pause) = pause {
        tracing::warn!(by = pause.by, "the run is paused for workers; what you decide here is done all the same");
    }
    Ok(())
}

/// Says something to the person, beside the result.
fn say(text: impl std::fmt::Display) {
    use std::io::Write as _;
    // Nobody may be there to read it.
    if writeln!(std::io::stderr(), "{text}").is_err() {
        tracing::debug!("standard error is closed");
    }
}

impl Shown {
    /// The last of the output.
    fn tally(self, tally: tally::Tally) -> Result<(), output::OutputError> {
        match self {
            Self::Documents => session::document(&document::Last { tally }),
            Self::Text(_) => output::line(tally),
        }
    }
}
