//! The report as one page, for a browser or a mail: all that it needs is in it, and no script.

mod drawing;
mod markup;

use certferry_certificate::{CodePage, Remedy};
use certferry_store::Summary;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use self::drawing::{bars, states, throughput};
use self::markup::{Table, add, escaped};
use crate::facts::{Facts, grouped};

const STYLE: &str = include_str!("html/style.css");

/// The most frequent causes that are shown; the workbook has more.
const MOST_CAUSES: usize = 50;

/// The newest runs that are shown.
const MOST_RUNS: usize = 20;

/// The whole page.
pub(crate) fn page(facts: &Facts) -> String {
    let mut page = String::new();
    page.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.push_str("<title>Certificate migration report</title>\n<style>\n");
    page.push_str(STYLE);
    page.push_str("</style>\n</head>\n<body>\n<h1>Certificate migration report</h1>\n");
    let subject = match &facts.narrowed {
        None => "All certificates that were ever enqueued".to_owned(),
        Some(words) => format!("Only certificates of: {words}"),
    };
    let made_at = time(facts.made_at, facts.timezone);
    paragraph(&mut page, "soft", &format!("{subject}; as of {made_at}, by {}", facts.made_by));
    if let Some(mark) = facts.unfinished() {
        paragraph(&mut page, "mark", &mark);
    }
    if let Some(attention) = facts.attention() {
        paragraph(&mut page, "mark", &format!("ATTENTION: {attention}"));
    }
    counts(&mut page, facts);
    codes(&mut page, &facts.summary);
    causes(&mut page, facts);
    warnings(&mut page, facts);
    unaccounted(&mut page, facts);
    runs(&mut page, facts);
    page.push_str("</body>\n</html>\n");
    page
}

fn counts(page: &mut String, facts: &Facts) {
    let Summary { queued, migrated, failed, skipped, reverted, .. } = facts.summary;
    let states_of =
        [("migrated", migrated), ("failed", failed), ("queued", queued), ("skipped", skipped), ("reverted", reverted)];
    page.push_str("<div class=\"tiles\">\n");
    tile(page, "", "total", &grouped(facts.summary.total()));
    for (state, count) in states_of {
        tile(page, state, state, &grouped(count));
    }
    let is_tried = migrated + failed > 0;
    let rate = if is_tried { format!("{:.1}%", facts.summary.success_rate() * 100.0) } else { "-".to_owned() };
    tile(page, "", "success rate", &rate);
    page.push_str("</div>\n");
    page.push_str(&states(&states_of));
    paragraph(page, "soft", &format!("{}: {}.", facts.equation(), facts.verdict()));
    let summary = &facts.summary;
    if let (Some(begun), Some(ended)) = (summary.first_started_at, summary.last_finished_at) {
        let (begun, ended) = (time(begun, facts.timezone), time(ended, facts.timezone));
        paragraph(page, "soft", &format!("First started {begun}, last finished {ended}."));
    }
    if let Some(failed) = &summary.last_failed {
        let at = time(failed.at, facts.timezone);
        let words =
            format!("Last failed: certificate {} at {at}, {}: {}", failed.certificate_id, failed.code, failed.message);
        paragraph(page, "", &words);
    }
    if !facts.throughput.intervals.is_empty() {
        heading(page, "Throughput");
        page.push_str(&throughput(&facts.throughput, facts.timezone));
    }
}

fn codes(page: &mut String, summary: &Summary) {
    heading(page, "Failed by first issue");
    if summary.by_code.is_empty() {
        return paragraph(page, "soft", "None.");
    }
    let counts: Vec<(&str, i64)> =
        summary.by_code.iter().map(|count| (count.code.as_str(), count.certificates)).collect();
    page.push_str(&bars(&counts));
    let mut table = Table::new(&["Code", "Kind", "#Certificates", "What to do"]);
    for count in &summary.by_code {
        let advice = Remedy::of(&count.code).in_full;
        table.row(&[&count.code, &count.kind, &grouped(count.certificates), &advice]);
    }
    page.push_str(&table.finish());
}

fn causes(page: &mut String, facts: &Facts) {
    if facts.causes.first.is_empty() {
        return;
    }
    heading(page, "Causes, what to mend first on top");
    let mut table = Table::new(&["Code", "Field", "Raw value", "#Certificates", "#Nothing else"]);
    for cause in facts.causes.first.iter().take(MOST_CAUSES) {
        let (field, raw) = (cause.field.as_deref().unwrap_or_default(), cause.raw.as_deref().unwrap_or_default());
        table.row(&[&cause.code, field, raw, &grouped(cause.certificates), &grouped(cause.alone)]);
    }
    page.push_str(&table.finish());
    let shown = i64::try_from(MOST_CAUSES).unwrap_or(i64::MAX);
    if facts.causes.total > shown {
        let others = grouped(facts.causes.total - shown);
        paragraph(page, "soft", &format!("And {others} rarer causes: sheet Causes of the workbook has more."));
    }
}

fn warnings(page: &mut String, facts: &Facts) {
    if facts.warnings.is_empty() {
        return;
    }
    heading(page, "Migrated with a warning");
    let mut table = Table::new(&["Code", "#Certificates", "What it means"]);
    for warning in &facts.warnings {
        let meaning = CodePage::of(&warning.code).map(CodePage::summary).unwrap_or_default();
        table.row(&[&warning.code, &grouped(warning.certificates), &meaning]);
    }
    page.push_str(&table.finish());
}

fn unaccounted(page: &mut String, facts: &Facts) {
    let Some(unaccounted) = &facts.unaccounted else { return };
    heading(page, "Not accounted for");
    if unaccounted.total() == 0 {
        paragraph(page, "soft", "None.");
    } else {
        let mut table = Table::new(&["Finding", "#Certificates", "What it means and what to do"]);
        for (finding, count) in unaccounted.counts().into_iter().filter(|(_, count)| *count > 0) {
            let count = grouped(i64::try_from(count).unwrap_or(i64::MAX));
            table.row(&[finding.as_str(), &count, finding.meaning()]);
        }
        page.push_str(&table.finish());
    }
    for what in &unaccounted.not_compared {
        paragraph(page, "soft", &format!("Not compared with {what}."));
    }
}

fn runs(page: &mut String, facts: &Facts) {
    if facts.runs.is_empty() {
        return;
    }
    heading(page, "Runs");
    let mut table = Table::new(&[
        "#Run",
        "Kind",
        "Outcome",
        "By",
        "Begun",
        "#Selected",
        "#Migrated",
        "#Failed",
        "#Queued",
        "#Others",
    ]);
    for run in facts.runs.iter().take(MOST_RUNS) {
        let (by, begun) = (format!("{}@{}", run.by, run.host), time(run.at, facts.timezone));
        let [selected, migrated, failed, queued, others] =
            [run.selected, run.migrated, run.failed, run.queued, run.skipped + run.reverted].map(grouped);
        let (number, kind, outcome) = (run.run.to_string(), run.kind.as_str(), run.outcome().as_str());
        table.row(&[&number, kind, outcome, &by, &begun, &selected, &migrated, &failed, &queued, &others]);
    }
    page.push_str(&table.finish());
}

fn time(time: DateTime<Utc>, timezone: Tz) -> String {
    format!("{} ({timezone})", time.with_timezone(&timezone).format("%Y-%m-%d %H:%M:%S"))
}

fn heading(page: &mut String, text: &str) {
    add(page, format_args!("<h2>{}</h2>\n", escaped(text)));
}

fn paragraph(page: &mut String, class: &str, text: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    add(page, format_args!("<p{class} dir=\"auto\">{}</p>\n", escaped(text)));
}

fn tile(page: &mut String, class: &str, label: &str, value: &str) {
    add(page, format_args!("<div class=\"tile {class}\"><b>{}</b>{}</div>\n", escaped(value), escaped(label)));
}
