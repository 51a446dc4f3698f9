//! The report as CSV: one table of all certificates, times in UTC.

use std::borrow::Cow;
use std::io::{BufWriter, Write};

use anyhow::Context;
use certferry_bootstrap::OutputFile;
use certferry_store::{ReportRow, StoredIssue, StoredWarning};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::pages::Pages;
use crate::totals::Counted;

const HEADER: [&str; 19] = [
    "certificate_id",
    "state",
    "certificate_number",
    "ecu_number",
    "new_certificate_id",
    "new_vehicle_id",
    "attempts",
    "error_kind",
    "error_code",
    "error_field",
    "error_message",
    "issues",
    "warnings",
    "reason",
    "run_id",
    "worker",
    "enqueued_at",
    "started_at",
    "finished_at",
];

pub(crate) async fn write(file: &OutputFile, pages: &mut Pages<'_>) -> anyhow::Result<Counted> {
    let doing = file.doing();
    let context = doing.clone();
    let mut table = BufWriter::new(file.another_handle()?);
    let header = HEADER.map(|name| Cell::Text(name.into()));
    table.write_all(line(&header).as_bytes()).context(doing.clone())?;
    let adding =
        pages.add_to(table, move |table, row| table.write_all(line(&cells(row)).as_bytes()).context(context.clone()));
    let (mut table, counted) = adding.await?;
    table.flush().context(doing)?;
    Ok(counted)
}

/// What stands between two commas.
enum Cell<'a> {
    Number(i64),
    Text(Cow<'a, str>),
    Nothing,
}

fn cells(row: &ReportRow) -> [Cell<'_>; HEADER.len()] {
    fn number<'a>(value: Option<i64>) -> Cell<'a> {
        value.map_or(Cell::Nothing, Cell::Number)
    }
    fn text(value: Option<&String>) -> Cell<'_> {
        value.map_or(Cell::Nothing, |text| Cell::Text(text.as_str().into()))
    }
    let time = |value: Option<DateTime<Utc>>| {
        value.map_or(Cell::Nothing, |value| Cell::Text(value.to_rfc3339_opts(SecondsFormat::Micros, true).into()))
    };
    [
        Cell::Number(row.certificate_id.0),
        Cell::Text((&*row.state).into()),
        text(row.certificate_number.as_ref()),
        text(row.ecu_number.as_ref()),
        number(row.new_certificate_id.map(|id| id.0)),
        number(row.new_vehicle_id.map(|id| id.0)),
        Cell::Number(row.attempts.into()),
        text(row.error_kind.as_ref()),
        text(row.error_code.as_ref()),
        text(row.issues.first().and_then(|issue| issue.field.as_ref())),
        text(row.error_message.as_ref()),
        Cell::Text(readable_issues(&row.issues, "; ").into()),
        Cell::Text(readable_warnings(&row.warnings, "; ").into()),
        text(row.reason.as_ref()),
        number(row.run_id),
        text(row.worker.as_ref()),
        time(Some(row.enqueued_at)),
        time(row.started_at),
        time(row.finished_at),
    ]
}

/// A line of the table. All text is in quotes, also text of digits such as the number `00123`, and only numbers are not.
fn line(cells: &[Cell<'_>]) -> String {
    let cell = |cell: &Cell<'_>| match cell {
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) if text.is_empty() => String::new(),
        Cell::Text(text) => format!("\"{}\"", harmless(text).replace('"', "\"\"")),
        Cell::Nothing => String::new(),
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\n"
}

/// Text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, CSV injection), also behind what
/// separates cells in other countries: where that is `;`, the quotes around a text that is not first in its line mean
/// nothing, and `A;=1` would be two cells.
fn harmless(text: &str) -> Cow<'_, str> {
    let mut shown = String::with_capacity(text.len() + 1);
    let mut is_first = true;
    for c in text.chars() {
        if is_first && matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r') {
            shown.push('\'');
        }
        is_first = matches!(c, ';' | '\t' | '\r' | '\n') || (is_first && c == ' ' && !shown.is_empty());
        shown.push(c);
    }
    if shown == text { Cow::Borrowed(text) } else { Cow::Owned(shown) }
}

/// `invalid_speed (speed): … [80 mph]`, one after the other; in brackets the value that the source has, on one line.
pub(crate) fn readable_issues(issues: &[StoredIssue], separator: &str) -> String {
    let issues = issues.iter().map(|StoredIssue { code, field, message, raw, .. }| {
        let field = field.as_ref().map(|field| format!(" ({field})")).unwrap_or_default();
        let raw = raw.as_ref().map(|raw| format!(" [{}]", on_one_line(raw))).unwrap_or_default();
        format!("{code}{field}: {message}{raw}")
    });
    issues.collect::<Vec<_>>().join(separator)
}

/// A text with `\n` for a line's end, and so on for all that cannot be seen.
fn on_one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
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
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\tA", "\rA"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for (text, shown) in
            [("A;=1", "A;'=1"), ("A; +1", "A; '+1"), ("A\n@1", "A\n'@1"), ("A\t-1", "A\t'-1"), ("\t=1", "'\t'=1")]
        {
            assert_eq!(harmless(text), shown);
        }
        for text in ["", "80 km/h", "ECU-1", "'=1", "1; 2", "a=b; c"] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn text_is_in_quotes_and_numbers_are_not() {
        let cells = [Cell::Number(-7), Cell::Text("00123".into()), Cell::Nothing, Cell::Text("a \"b\", c".into())];
        assert_eq!(line(&cells), "-7,\"00123\",,\"a \"\"b\"\", c\"\n");
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
        for (raw, shown) in [
            ("80 mph", "why [80 mph]"),
            ("=1+1", "why [=1+1]"),
            ("", "why []"),
            ("a\r\n=1\t", "why [a\\r\\n=1\\t]"),
            ("a;=1", "why [a;=1]"),
        ] {
            let issue = StoredIssue { raw: Some(raw.to_owned()), ..issue("invalid_speed", None) };
            let readable = readable_issues(&[issue], "; ");
            assert_eq!(readable, format!("invalid_speed: {shown}"));
            assert_eq!(harmless(&readable), readable.replace(";=", ";'="));
        }
    }
}
