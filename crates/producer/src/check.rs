mod assessment;
mod destination;
mod display;
mod mappings;
mod security;
mod source;

use anyhow::Context;
use certferry_bootstrap::exit::Attention;
use certferry_bootstrap::{Config, HintFrom, Shutdown, exit};
use certferry_operations::operator;
use serde::Serialize;
use serde_json::Value;

use crate::cli::Check;
use crate::connections;
use assessment::Assessment;
use destination::Destination;
use mappings::Coverage;
use source::Legacy;

/// What `producer check` found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Checked {
    /// Whether nothing must be mended.
    ready: bool,
    /// The destination's database; null when it does not answer.
    destination: Option<Destination>,
    /// The legacy database; null when it does not answer.
    source: Option<Legacy>,
    /// What must be mended, all of it.
    problems: Vec<Problem>,
    /// What would become of the certificates.
    assessment: Assessment,
    /// How far the mappings reach; null where they could not be looked at.
    mappings: Option<Coverage>,
    /// What need not be mended but should be known.
    notes: Vec<String>,
    /// Whether the forecast was kept.
    saved: bool,
}

/// Something that must be mended, and how.
#[derive(Debug, Serialize)]
struct Problem {
    what: String,
    /// Null where nothing is known that helps.
    hint: Option<String>,
    /// Whether certificates cannot be planned before.
    #[serde(skip)]
    hinders_planning: bool,
}

impl Checked {
    /// For the exit code, when something must be mended.
    pub(crate) fn into_result(self) -> anyhow::Result<()> {
        match self.problems.len() {
            0 => Ok(()),
            1 => Err(Attention("1 problem must be mended before a migration".to_owned()).into()),
            number => Err(Attention(format!("{number} problems must be mended before a migration")).into()),
        }
    }

    /// A database that does not answer is a problem like others, and the other one is looked at all the same.
    fn add(&mut self, error: &anyhow::Error) {
        let rendered = exit::render(error);
        let rendered = rendered.trim().trim_start_matches("error: ");
        let (what, hint) = match rendered.split_once("\nhint: ") {
            Some((what, hint)) => (what, Some(hint.to_owned())),
            None => (rendered, None),
        };
        self.problems.push(Problem { what: what.to_owned(), hint, hinders_planning: true });
    }

    /// Something that must be mended, and how, before which certificates can be planned all the same.
    fn problem(&mut self, what: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem { what: what.into(), hint: Some(hint.into()), hinders_planning: false });
    }

    fn is_set_up(&self) -> bool {
        self.destination.as_ref().is_some_and(|destination| destination.set_up)
    }

    fn can_plan(&self) -> bool {
        self.is_set_up() && self.source.is_some() && !self.problems.iter().any(|problem| problem.hinders_planning)
    }
}

/// Looks at both databases, plans what is not migrated, and writes nothing but a forecast that is to be kept.
pub(crate) async fn run(config: &Config, arguments: &Check, shutdown: &Shutdown) -> anyhow::Result<Checked> {
    // What the configuration lacks is no finding, but wrong usage.
    config.database_url()?;
    config.source_url()?;
    let work = Box::pin(check(config, arguments));
    shutdown.interrupting(work).await.context("interrupted before the end")?
}

async fn check(config: &Config, arguments: &Check) -> anyhow::Result<Checked> {
    let mut checked = Checked::default();
    match destination::look(config, &mut checked).await {
        Ok(destination) => checked.destination = Some(destination),
        Err(error) => checked.add(&error),
    }
    match source::look(config, &mut checked).await {
        Ok(legacy) => checked.source = Some(legacy),
        Err(error) => checked.add(&error),
    }
    let planned = plan(config, arguments, &mut checked).await;
    if let Err(error) = &planned {
        checked.add(error);
    }
    checked.ready = checked.problems.is_empty();
    if arguments.save && checked.assessment.is_planned() {
        save(config, &checked.assessment).await?;
        checked.saved = true;
    }
    Ok(checked)
}

/// Whether everything is as the manifest has it, and what would become of the certificates, where nothing stands in the
/// way of looking.
async fn plan(config: &Config, arguments: &Check, checked: &mut Checked) -> anyhow::Result<()> {
    if !checked.can_plan() {
        return Ok(());
    }
    let (database, source) = tokio::try_join!(connections::database(config), connections::source(config))?;
    let participant = connections::participant(config, &database, Some(&source), "");
    for difference in participant.differences().await? {
        checked.problem(difference.to_string(), "correct it, or accept it with `producer setup --accept-changes`");
    }
    let references = if arguments.quick {
        None
    } else {
        Some(assessment::plan(config, arguments, &database, &source, &mut checked.assessment).await?)
    };
    let coverage = mappings::look(&database, &source, references.as_ref()).await?;
    checked.notes.extend(coverage.notes());
    checked.mappings = Some(coverage);
    source.close().await;
    database.close().await;
    Ok(())
}

/// Keeps the figures, without the legacy values among them.
async fn save(config: &Config, assessment: &Assessment) -> anyhow::Result<()> {
    let mut forecast = serde_json::to_value(assessment)?;
    for reason in forecast.get_mut("reasons").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(reason) = reason.as_object_mut() {
            reason.remove("samples");
        }
    }
    let hint = certferry_store::Error::hint;
    let database = connections::database(config).await?;
    let mut transaction = database.begin().await.hint_from(hint)?;
    certferry_store::record_forecast(&mut transaction, &operator().to_string(), &forecast).await.hint_from(hint)?;
    transaction.commit().await.hint_from(hint)?;
    database.close().await;
    Ok(())
}
