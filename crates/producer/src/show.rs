//! `producer show`: everything about one certificate.

use std::fmt::{self, Write as _};

use anyhow::{Context, anyhow};
use certferry_bootstrap::visible::visible;
use certferry_bootstrap::{Config, Hint, HintFrom, Shutdown};
use certferry_certificate::{OldId, Remedy};
use certferry_migration::Planner;
use certferry_operations::{Error, Shown};
use certferry_source::Source;
use certferry_store::Database;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use crate::{cli, connections};

/// The most characters of a value in a column; the rest is in the JSON document.
const WIDTH: usize = 36;

/// A column of the source, the part of the plan that it becomes, and the destination's table and column of it.
type Line = (&'static str, &'static [&'static str], &'static [&'static str]);

const LINES: &[Line] = &[
    ("certificate_number", &["certificate_number"], &["certificate", "certificate_number"]),
    ("ecu_number", &["device_id"], &["certificate", "device_id"]),
    ("customer_id", &["customer"], &["certificate", "customer_id"]),
    ("user_id", &["user_id"], &["certificate", "user_id"]),
    ("calibration_technician_id", &["calibration_technician"], &["certificate", "calibration_technician_id"]),
    ("installation_technician_id", &["installation_technician"], &["certificate", "installation_technician_id"]),
    ("speed", &["speed_limit_kmh"], &["certificate", "speed_limit_kmh"]),
    ("status", &["status"], &["certificate", "status"]),
    ("issue_date", &["issued_at"], &["certificate", "issued_at"]),
    ("expiry_date", &["expires_at"], &["certificate", "expires_at"]),
    ("calibration_date", &["calibrated_at"], &["certificate", "calibrated_at"]),
    ("installation_date", &["installed_at"], &["certificate", "installed_at"]),
    ("remarks", &["remarks"], &["certificate", "remarks"]),
    ("vehicle_type", &["vehicle", "brand"], &["vehicle", "brand"]),
    ("", &["vehicle", "model"], &["vehicle", "model"]),
    ("vehicle_chassis_number", &["vehicle", "chassis_number"], &["vehicle", "chassis_number"]),
    ("vehicle_registration_number", &["vehicle", "registration_number"], &["vehicle", "registration_number"]),
    ("new_registration", &["vehicle", "is_new_registration"], &["vehicle", "is_new_registration"]),
];

/// Everything about one certificate, for a person or as a document.
#[derive(Debug, Serialize)]
pub(crate) struct Certificate {
    #[serde(flatten)]
    shown: Shown,
    /// Why the source could not be asked; none when it was.
    source_error: Option<String>,
    #[serde(skip)]
    timezone: Tz,
}

/// Shows everything about one certificate.
pub(crate) async fn run(config: &Config, arguments: &cli::Show, shutdown: &Shutdown) -> anyhow::Result<Certificate> {
    shutdown.interrupting(Box::pin(show(config, OldId(arguments.id)))).await.context("interrupted")?
}

async fn show(config: &Config, id: OldId) -> anyhow::Result<Certificate> {
    let database = connections::steering_database(config).await?;
    // What is recorded is shown also while the source is away.
    let (planner, source_error) = match planner(config, &database).await {
        Ok(planner) => (Some(planner), None),
        Err(error) => {
            tracing::warn!("the source is not shown: {error:#}");
            (None, Some(format!("{error:#}")))
        }
    };
    let shown = certferry_operations::show(&database, planner.as_ref(), id).await.hint_from(Error::hint)?;
    if let Some(planner) = planner {
        planner.source.close().await;
    }
    database.close().await;
    let shown = shown.ok_or_else(|| match source_error {
        None => anyhow!("neither the status table nor the source has certificate {id}"),
        Some(_) => anyhow!("the status table does not have certificate {id}, and the source could not be asked"),
    });
    let shown = shown.hint("look up its legacy id in the source, or in the report")?;
    Ok(Certificate { shown, source_error, timezone: config.dates.timezone })
}

async fn planner(config: &Config, database: &Database) -> anyhow::Result<Planner> {
    let source: Source = connections::source(config).await?;
    let catalog = certferry_store::catalog(database).await.hint_from(certferry_store::Error::hint)?;
    Ok(Planner { source, database: database.clone(), policy: config.policy(), catalog })
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.status(&mut text)?;
        self.beside(&mut text)?;
        f.write_str(&text)
    }
}

impl Certificate {
    /// What is recorded of the certificate, as text; the source is not asked.
    pub(crate) fn recorded(shown: Shown, timezone: Tz) -> String {
        let mut text = String::new();
        let certificate = Self { shown, source_error: None, timezone };
        certificate.status(&mut text).expect("writing to a String cannot fail");
        text
    }

    /// What the status table says.
    fn status(&self, text: &mut String) -> fmt::Result {
        let shown = &self.shown;
        write!(text, "certificate {}: {}", shown.certificate_id, shown.state.as_deref().unwrap_or("never enqueued"))?;
        if let Some(run) = shown.run {
            write!(text, ", run {run}")?;
        }
        if let Some(new_id) = shown.new_certificate_id {
            write!(text, ", certificate {new_id} of the destination")?;
        }
        if let Some(reason) = &shown.reason {
            write!(text, "\nbecause: {}", visible(reason))?;
        }
        for issue in &shown.issues {
            write!(text, "\nissue {}: {}", issue.code, visible(&issue.message))?;
            write!(text, "\n  what to do: {}", Remedy::of(&issue.code).in_short)?;
        }
        for warning in &shown.warnings {
            write!(text, "\nwarning {}: {}", warning.code, visible(&warning.message))?;
        }
        if !shown.attempts.is_empty() {
            *text += "\n\nwhat became of it";
        }
        for attempt in &shown.attempts {
            let codes: Vec<&str> = attempt.issues.iter().map(|issue| issue.code.as_str()).collect();
            let run = attempt.run.map(|run| format!(", run {run}")).unwrap_or_default();
            let worker = attempt.worker.as_deref().unwrap_or("-");
            write!(text, "\n  {}  {}{run}, by {worker}", self.time(attempt.at), attempt.outcome)?;
            if !codes.is_empty() {
                write!(text, ": {}", codes.join(", "))?;
            }
        }
        Ok(())
    }

    /// The source, the plan and the destination beside each other.
    fn beside(&self, text: &mut String) -> fmt::Result {
        let shown = &self.shown;
        if let Some(error) = &self.source_error {
            write!(text, "\n\nthe source could not be asked: {}", visible(error))?;
        } else if shown.source.is_none() {
            text.push_str("\n\nthe source has no such row any more, or several");
        }
        let source = serde_json::to_value(&shown.source).unwrap_or_default();
        let plan = serde_json::to_value(&shown.plan).unwrap_or_default();
        let destination = shown.destination.clone().unwrap_or_default();
        if source.is_null() && destination.is_null() {
            return Ok(());
        }
        write!(
            text,
            "\n\n{:<28}{:<WIDTH$}  {:<WIDTH$}  in the destination",
            "", "in the source", "as it is planned now"
        )?;
        for (column, planned, stored) in LINES {
            let value = |value: &Value, path: &[&str]| {
                let found = path.iter().fold(value, |value, key| &value[*key]);
                shortened(found)
            };
            let source = if column.is_empty() { String::new() } else { value(&source, &[column]) };
            let (plan, stored) = (value(&plan, planned), value(&destination, stored));
            let line = format!("{column:<28}{source:<WIDTH$}  {plan:<WIDTH$}  {stored}");
            write!(text, "\n{}", line.trim_end())?;
        }
        for issue in &shown.plan_issues {
            write!(text, "\nit would fail now: {}: {}", issue.code.as_str(), visible(&issue.message))?;
        }
        for warning in &shown.plan_warnings {
            write!(text, "\nit would be migrated now with a warning: {}", visible(&warning.message))?;
        }
        Ok(())
    }

    fn time(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.timezone).format("%Y-%m-%d %H:%M:%S").to_string()
    }
}

/// A value in a few characters on one line.
fn shortened(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = visible(&text);
    match text.char_indices().nth(WIDTH) {
        Some(_) => text.chars().take(WIDTH - 1).chain(['…']).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_their_column_and_on_their_line() {
        assert_eq!(shortened(&Value::Null), "-");
        assert_eq!(shortened(&"a\u{1b}[2Jb\n".into()), "a␛[2Jb␊");
        assert_eq!(shortened(&"م".repeat(40).into()).chars().count(), WIDTH);
        assert_eq!(shortened(&serde_json::json!({"existing": 7})), r#"{"existing":7}"#);
    }
}
