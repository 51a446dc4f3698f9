//! The manifest: between which databases a migration was begun, and by which rules. Whoever takes part in it later must
//! agree: a worker that reads another legacy database, writes into another schema or has an old list of status words is
//! refused before it does anything.

mod destination;
mod rules;
mod source;

use std::fmt;

use anyhow::{Context, anyhow};
use certferry_bootstrap::{Config, Hint, HintFrom};
use certferry_source::Source;
use certferry_store::Database;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use destination::Destination;
use rules::Rules;
use source::Fingerprint;

/// Something that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The key of the configuration that it is about.
    pub key: String,
    /// What the manifest has.
    pub recorded: String,
    /// What there is now.
    pub present: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: recorded is {}, now it is {}", self.key, self.recorded, self.present)
    }
}

/// Who takes part, and in what.
#[derive(Clone, Copy, Debug)]
pub struct Participant<'a> {
    /// What it is set to do.
    pub config: &'a Config,
    /// The destination's database, which has the manifest too.
    pub database: &'a Database,
    /// The legacy database, where it is read.
    pub source: Option<&'a Source>,
    /// Whether the rules decide anything of what it does.
    pub uses_rules: bool,
    /// Who it is, for those who look at the manifest.
    pub name: &'a str,
}

/// What becomes of differences, and of what is not recorded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing is recorded.
    Compare,
    /// What is not recorded yet is recorded.
    Complete,
    /// What differs is recorded.
    Accept,
}

/// The hint of a refusal.
const ACCEPT: &str = "correct the configuration; where the change is meant, stop the workers and record it with `producer \
                      setup --accept-changes` (tables that were restored, cloned or created anew are such a change too)";

impl Participant<'_> {
    /// Fails where something is not as it was recorded; records what is not recorded yet: the destination, and, for those
    /// who read the source, the source and the rules.
    pub async fn agree(&self) -> anyhow::Result<()> {
        refused(&self.settle(Mode::Complete).await?)
    }

    /// Fails where something is not as it was recorded, and records nothing.
    pub async fn agree_without_a_trace(&self) -> anyhow::Result<()> {
        refused(&self.differences().await?)
    }

    /// What is not as it was recorded.
    pub async fn differences(&self) -> anyhow::Result<Vec<Difference>> {
        self.settle(Mode::Compare).await
    }

    /// Records what is not as it was recorded, and returns it. What was in force before is kept.
    pub async fn accept(&self) -> anyhow::Result<Vec<Difference>> {
        self.settle(Mode::Accept).await
    }

    async fn settle(&self, mode: Mode) -> anyhow::Result<Vec<Difference>> {
        let hint = certferry_store::Error::hint;
        let destination = Destination::of(self.database).await?;
        // Before the transaction: reading the source may take a while.
        let mut transaction = self.database.begin().await.hint_from(hint)?;
        let before = certferry_store::manifest(&mut transaction).await.hint_from(hint)?;
        transaction.rollback().await?;
        let before = before.as_ref().and_then(|manifest| manifest.source.clone());
        let known: Option<Fingerprint> = parsed(before.as_ref())?;
        let source = match self.source {
            Some(source) => Some(Fingerprint::of(source, self.config, known.as_ref()).await?),
            None => None,
        };
        // Of one that is accepted other certificates are remembered.
        let accepted = match self.source {
            Some(source) if mode == Mode::Accept => Some(Fingerprint::of(source, self.config, None).await?),
            _ => None,
        };
        let rules = self.uses_rules.then(|| Rules::of(self.config));

        let mut transaction = self.database.begin().await.hint_from(hint)?;
        if mode != Mode::Compare {
            certferry_store::lock_manifest(&mut transaction).await.hint_from(hint)?;
        }
        let recorded = certferry_store::manifest(&mut transaction).await.hint_from(hint)?;
        let Some(recorded) = recorded else {
            if mode != Mode::Compare {
                let (source, rules) = if mode == Mode::Complete && source.is_some() {
                    (source.as_ref().map(json).transpose()?, rules.as_ref().map(json).transpose()?)
                } else {
                    (None, None)
                };
                self.record(transaction, &json(&destination)?, source.as_ref(), rules.as_ref()).await?;
            }
            return Ok(Vec::new());
        };
        let recorded_destination: Destination =
            parsed(Some(&recorded.destination))?.context("there is a destination")?;
        let recorded_source: Option<Fingerprint> = parsed(recorded.source.as_ref())?;
        let recorded_rules: Option<Rules> = parsed(recorded.rules.as_ref())?;
        let mut differences = recorded_destination.differences(&destination);
        let of_source = match (&recorded_source, &source) {
            (Some(recorded), Some(present)) => recorded.differences(present),
            _ => Vec::new(),
        };
        let accepted = accepted.filter(|_| !of_source.is_empty());
        differences.extend(of_source);
        if let (Some(recorded), Some(present)) = (&recorded_rules, &rules) {
            differences.extend(recorded.differences(present));
        }
        let has_news =
            (recorded_source.is_none() && source.is_some()) || (recorded_rules.is_none() && source.is_some());
        let (destination, source, rules) = match mode {
            Mode::Complete if differences.is_empty() && has_news => {
                (recorded_destination, recorded_source.or(source), recorded_rules.or(rules))
            }
            Mode::Accept if !differences.is_empty() => {
                // What is of no concern here stays as it is.
                let source = recorded_source.map(|recorded| accepted.unwrap_or(recorded));
                (destination, source, recorded_rules.map(|recorded| rules.unwrap_or(recorded)))
            }
            _ => {
                transaction.rollback().await?;
                return Ok(differences);
            }
        };
        let (source, rules) = (source.as_ref().map(json).transpose()?, rules.as_ref().map(json).transpose()?);
        self.record(transaction, &json(&destination)?, source.as_ref(), rules.as_ref()).await?;
        Ok(differences)
    }

    async fn record(
        &self,
        mut transaction: certferry_store::Transaction,
        destination: &Value,
        source: Option<&Value>,
        rules: Option<&Value>,
    ) -> anyhow::Result<()> {
        certferry_store::record_manifest(&mut transaction, self.name, destination, source, rules)
            .await
            .hint_from(certferry_store::Error::hint)?;
        transaction.commit().await?;
        Ok(())
    }
}

fn refused(differences: &[Difference]) -> anyhow::Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = differences.iter().map(|difference| format!("\n  {difference}")).collect();
    Err(anyhow!("this is not what the migration was begun with:{}", lines.concat())).hint(ACCEPT)
}

fn json(value: &impl Serialize) -> anyhow::Result<Value> {
    serde_json::to_value(value).context("could not write the manifest as JSON")
}

fn parsed<T: DeserializeOwned>(value: Option<&Value>) -> anyhow::Result<Option<T>> {
    let parsed = value.map(|value| T::deserialize(value)).transpose();
    parsed
        .context("could not read the manifest that another version of Certferry recorded")
        .hint("use that version, or record a new one with `producer setup --accept-changes` of this version")
}
