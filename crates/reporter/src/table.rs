//! The report as CSV: one table of all certificates, times in UTC.

use std::borrow::Cow;
use std::io::BufWriter;

use anyhow::Context;
use certferry_store::{ReportRow, Scope, StoredIssue, StoredWarning};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::output_file::OutputFile;
use crate::pages::Pages;

const HEADER: [&str; 16] = [
    "certificate_id",
    "state",
    "certificate_number",
    "ecu_number",
    "new_certificate_id",
    "new_vehicle_id",
    "attempts",
    "error_kind",
    "error_code",
    "error_message",
    "issues",
    "warnings",
    "worker",
    "enqueued_at",
    "started_at",
    "finished_at",
];

pub(crate) async fn write(file: &mut OutputFile, mut pages: Pages<'_>) -> anyhow::Result<()> {
    let doing = file.doing();
    let mut table = csv::Writer::from_writer(BufWriter::new(file.file()));
    table.write_record(HEADER).context(doing.clone())?;
    pages.for_each(Scope::All, |row| table.write_record(cells(&row)).context(doing.clone())).await?;
    table.flush().context(doing)?;
    pages.finish();
    Ok(())
}

fn cells(row: &ReportRow) -> [String; HEADER.len()] {
    let text = |value: &Option<String>| value.as_deref().map(harmless).unwrap_or_default().into_owned();
    let time = |value: DateTime<Utc>| value.to_rfc3339_opts(SecondsFormat::Micros, true);
    [
        row.certificate_id.to_string(),
        row.state.clone(),
        text(&row.certificate_number),
        text(&row.ecu_number),
        row.new_certificate_id.map(|id| id.to_string()).unwrap_or_default(),
        row.new_vehicle_id.map(|id| id.to_string()).unwrap_or_default(),
        row.attempts.to_string(),
        text(&row.error_kind),
        text(&row.error_code),
        text(&row.error_message),
        harmless(&readable_issues(&row.issues, "; ")).into_owned(),
        harmless(&readable_warnings(&row.warnings, "; ")).into_owned(),
        text(&row.worker),
        time(row.enqueued_at),
        row.started_at.map(time).unwrap_or_default(),
        row.finished_at.map(time).unwrap_or_default(),
    ]
}

/// Text that a spreadsheet would run as a formula gets an apostrophe in front
/// (OWASP, CSV injection).
fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// `invalid_speed (speed): …`, one after the other.
pub(crate) fn readable_issues(issues: &[StoredIssue], separator: &str) -> String {
    let issues = issues.iter().map(|StoredIssue { code, field, message, .. }| match field {
        Some(field) => format!("{code} ({field}): {message}"),
        None => format!("{code}: {message}"),
    });
    issues.collect::<Vec<_>>().join(separator)
}

/// `vehicle_missing: …`, one after the other.
pub(crate) fn readable_warnings(warnings: &[StoredWarning], separator: &str) -> String {
    let warnings = warnings.iter().map(|StoredWarning { code, message }| format!("{code}: {message}"));
    warnings.collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_be_taken_for_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "80 km/h", "ECU-1", "'=1"] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn issues_read_as_a_sentence_each() {
        let issue = |code: &str, field: Option<&str>| StoredIssue {
            kind: "validation".to_owned(),
            code: code.to_owned(),
            field: field.map(str::to_owned),
            message: "why".to_owned(),
            raw: None,
        };
        let issues = [issue("invalid_speed", Some("speed")), issue("certificate_not_found", None)];
        assert_eq!(readable_issues(&issues, "; "), "invalid_speed (speed): why; certificate_not_found: why");
        assert_eq!(readable_issues(&[], "; "), "");
    }
}
