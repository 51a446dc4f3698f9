use std::fmt;

use anyhow::Context;
use certferry_bootstrap::exit::Attention;
use certferry_bootstrap::{Config, HintFrom, Shutdown, exit};
use certferry_source::{Entity, QueryCheck, Source};
use certferry_store::Verified;
use serde::Serialize;

use crate::connections;

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
    assessment: Assessment,
    /// What need not be mended but should be known.
    notes: Vec<String>,
}

/// Something that must be mended, and how.
#[derive(Debug, Serialize)]
struct Problem {
    what: String,
    /// Null where nothing is known that helps.
    hint: Option<String>,
}

/// What would become of the certificates.
#[derive(Debug, Default, Serialize)]
struct Assessment {
    /// Rows of the source that cannot be told apart by their id; null when they could not be counted.
    unaddressable: Option<u64>,
    /// The first hundred of those, in words.
    unaddressable_named: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Destination {
    version: String,
    schema: String,
    security: Security,
    /// Whether `producer setup` has been run.
    set_up: bool,
    /// What keeps numbers and trade licences from being written twice.
    uniqueness: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Legacy {
    product: &'static str,
    version: String,
    location: String,
    /// Null for a file.
    security: Option<Security>,
    queries: Vec<Query>,
}

/// How the connection is secured.
#[derive(Debug, Serialize)]
struct Security {
    /// Whether nobody between the two can read along; null where that cannot be known.
    encrypted: Option<bool>,
    protocol: Option<String>,
    /// What of the server was verified: `nothing`, `certificate`, or `certificate_and_name`.
    verified: &'static str,
    mode: &'static str,
    #[serde(skip)]
    sentence: String,
}

impl From<certferry_store::Security> for Security {
    fn from(security: certferry_store::Security) -> Self {
        let verified = match security.verified {
            Verified::AuthorityAndName if security.encrypted != Some(false) => "certificate_and_name",
            Verified::Authority if security.encrypted != Some(false) => "certificate",
            _ => "nothing",
        };
        let sentence = security.to_string();
        Self { encrypted: security.encrypted, protocol: security.protocol, verified, mode: security.mode, sentence }
    }
}

#[derive(Debug, Serialize)]
struct Query {
    /// The key of the configuration.
    setting: &'static str,
    /// `name type` of each column it returns.
    columns: Vec<String>,
    problems: Vec<String>,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(destination) = &self.destination {
            writeln!(f, "destination: PostgreSQL {}, schema {}", destination.version, destination.schema)?;
            writeln!(f, "destination connection: {}", destination.security.sentence)?;
            for line in &destination.uniqueness {
                writeln!(f, "{line}")?;
            }
        }
        if let Some(source) = &self.source {
            writeln!(f, "source: {} {} at {}", source.product, source.version, source.location)?;
            if let Some(security) = &source.security {
                writeln!(f, "source connection: {}", security.sentence)?;
            }
            for query in &source.queries {
                let found = if query.problems.is_empty() { "fits" } else { "does not fit" };
                writeln!(f, "{}: {found}", query.setting)?;
            }
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for problem in &self.problems {
            writeln!(f, "problem: {}", problem.what)?;
            if let Some(hint) = &problem.hint {
                writeln!(f, "  hint: {hint}")?;
            }
        }
        f.write_str(if self.ready { "nothing stands in the way" } else { "not ready" })
    }
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
        self.problems.push(Problem { what: what.to_owned(), hint });
    }
}

/// Looks at both databases, and writes nothing.
pub(crate) async fn run(config: &Config, shutdown: &Shutdown) -> anyhow::Result<Checked> {
    // What the configuration lacks is no finding, but wrong usage.
    config.database_url()?;
    config.source_url()?;
    shutdown.interrupting(Box::pin(check(config))).await.context("interrupted before the end")
}

async fn check(config: &Config) -> Checked {
    let mut checked = Checked::default();
    match destination(config, &mut checked).await {
        Ok(destination) => checked.destination = Some(destination),
        Err(error) => checked.add(&error),
    }
    match legacy(config, &mut checked).await {
        Ok(legacy) => checked.source = Some(legacy),
        Err(error) => checked.add(&error),
    }
    if let Err(error) = agreement(config, &mut checked).await {
        checked.add(&error);
    }
    checked.ready = checked.problems.is_empty();
    checked
}

/// Whether everything is as the manifest has it, where nothing else must be mended first.
async fn agreement(config: &Config, checked: &mut Checked) -> anyhow::Result<()> {
    let is_set_up = checked.destination.as_ref().is_some_and(|destination| destination.set_up);
    if !is_set_up || checked.source.is_none() || !checked.problems.is_empty() {
        return Ok(());
    }
    let (database, source) = tokio::try_join!(connections::database(config), connections::source(config))?;
    let participant = connections::participant(config, &database, Some(&source), "");
    let differences = participant.differences().await?;
    let problems = differences.iter().map(|difference| Problem {
        what: difference.to_string(),
        hint: Some("correct it, or accept it with `producer setup --accept-changes`".to_owned()),
    });
    checked.problems.extend(problems);
    source.close().await;
    database.close().await;
    Ok(())
}

async fn destination(config: &Config, checked: &mut Checked) -> anyhow::Result<Destination> {
    let hint = certferry_store::Error::hint;
    let database = connections::database(config).await?;
    let version = database.version().await.hint_from(hint)?;
    let security = database.security().await.hint_from(hint)?.into();
    let schema = config.destination.schema.clone();
    let missing = certferry_store::missing_from_destination(&database).await.hint_from(hint)?;
    checked.problems.extend(missing.iter().map(|what| Problem {
        what: format!("the destination (schema {schema}) lacks {what}"),
        hint: Some(
            "add it, or name the right schema in destination.schema; `producer setup --reference-destination` creates all"
                .to_owned(),
        ),
    }));
    let mut uniqueness = Vec::new();
    if missing.is_empty() {
        match certferry_store::destination_tables(&database).await.hint_from(hint) {
            Ok(_) => {
                let found = certferry_store::uniqueness(&database).await.hint_from(hint)?;
                uniqueness = found.to_string().lines().map(str::to_owned).collect();
            }
            Err(error) => checked.add(&error),
        }
    }
    let status_table = certferry_store::ensure_ready(&database).await.is_ok();
    let set_up = status_table && connections::queue(config).await?.is_outstanding().await.is_ok();
    if !set_up {
        checked.notes.push("the queue and the schema certferry are not there yet; run `producer setup`".to_owned());
    }
    database.close().await;
    Ok(Destination { version, schema, security, set_up, uniqueness })
}

async fn legacy(config: &Config, checked: &mut Checked) -> anyhow::Result<Legacy> {
    let hint = certferry_source::Error::hint;
    let source: Source = connections::source(config).await?;
    let about = source.about().await.hint_from(hint)?;
    let checks = source.check().await.hint_from(hint)?;
    source.close().await;
    let mut queries = Vec::new();
    for QueryCheck { entity, columns, unaddressable, problems, unknown } in checks {
        let setting = entity.setting();
        checked.problems.extend(
            problems.iter().map(|problem| Problem { what: problem.to_string(), hint: Some(problem.hint.clone()) }),
        );
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        if entity == Entity::Certificates
            && let Some(unaddressable) = unaddressable
        {
            checked.assessment.unaddressable = Some(unaddressable.rows());
            checked.assessment.unaddressable_named = unaddressable.named;
        }
        checked.notes.extend(unknown.into_iter().map(|what| format!("{setting}: not known {what}")));
        let columns = columns.into_iter().map(|column| format!("{} {}", column.name, column.type_name)).collect();
        queries.push(Query { setting, columns, problems });
    }
    let security = about.security.map(Into::into);
    Ok(Legacy { product: about.product, version: about.version, location: about.location, security, queries })
}
