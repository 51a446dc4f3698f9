//! The first sheet: what a manager asks, in one page.

use std::time::Duration;

use certferry_certificate::{CodePage, Remedy};
use certferry_store::Summary;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_xlsxwriter::{Chart, ColNum, Format, RowNum, Worksheet, XlsxError};

use super::cells::{Looks, lines_of, make_room, serial_of, write_id_as, write_text_as};
use super::charts;
use super::rows::CertificateRows;
use super::sheets::Paper;
use crate::facts::{Facts, grouped};
use crate::totals::WarningCount;

/// The column of advice, in characters.
const ADVICE_WIDTH: u8 = 100;

/// Rows that are left free for the charts.
const CHART_ROWS: RowNum = 15;

/// How far the charts are from each other, in pixels.
const CHART_STEP: u32 = 400;

/// The bars of a chart at most.
const MOST_BARS: usize = 10;

/// The first sheet.
pub(super) fn sheet(facts: &Facts, paper: &Paper, rows: &CertificateRows) -> Result<Worksheet, XlsxError> {
    let mut sheet = Worksheet::new();
    sheet.set_name("Summary")?.set_active(true);
    paper.set_up(&mut sheet);
    sheet.set_screen_gridlines(false);
    for (column, width) in [(0, 30), (1, 22), (2, 16), (3, ADVICE_WIDTH)] {
        sheet.set_column_width(column, f64::from(width))?;
    }
    let mut page = Page { sheet, looks: &paper.looks, timezone: facts.timezone, row: 0, charts: Vec::new() };
    page.title(facts, paper.mark.as_deref())?;
    page.counts(facts)?;
    let charts_at = page.row;
    page.row += CHART_ROWS;
    page.times(facts)?;
    page.last_failed(&facts.summary, rows)?;
    page.codes(&facts.summary, rows)?;
    page.kinds(&facts.summary)?;
    page.warnings(&facts.warnings, rows)?;
    page.unaccounted(facts)?;
    if !facts.throughput.intervals.is_empty() {
        page.charts.push(charts::throughput(&facts.throughput));
    }
    let Page { mut sheet, charts, .. } = page;
    for (offset, chart) in (0..).step_by(CHART_STEP as usize).zip(&charts) {
        sheet.insert_chart_with_offset(charts_at, 0, chart, offset, 4)?;
    }
    Ok(sheet)
}

struct Page<'a> {
    sheet: Worksheet,
    looks: &'a Looks,
    timezone: Tz,
    row: RowNum,
    charts: Vec<Chart>,
}

impl Page<'_> {
    fn title(&mut self, facts: &Facts, mark: Option<&str>) -> Result<(), XlsxError> {
        write_text_as(&mut self.sheet, self.row, 0, "Certificate migration report", &self.looks.title)?;
        self.row += 1;
        let subject = match &facts.narrowed {
            None => "All certificates that were ever enqueued".to_owned(),
            Some(words) => format!("Only certificates of: {words}"),
        };
        write_text_as(&mut self.sheet, self.row, 0, &subject, &self.looks.text)?;
        self.row += 1;
        if let Some(mark) = mark {
            self.sheet.merge_range(self.row, 0, self.row, 3, mark, &self.looks.mark)?;
            self.row += 1;
        }
        self.row += 1;
        Ok(())
    }

    fn counts(&mut self, facts: &Facts) -> Result<(), XlsxError> {
        let summary = &facts.summary;
        self.heading(&["Certificates", "", "", ""])?;
        let total = if facts.narrowed.is_some() { "those of this report" } else { "every certificate ever enqueued" };
        self.count("Total", summary.total(), total)?;
        let first = self.row;
        self.count("Migrated", summary.migrated, "in the new system")?;
        self.count("Failed", summary.failed, "not in the new system, each with its reasons in sheet Unmigrated")?;
        self.count("Queued", summary.queued, "waiting, in hand, or waiting for another attempt")?;
        self.count("Skipped", summary.skipped, "set aside by a person")?;
        self.count("Reverted", summary.reverted, "migrated, and taken back by a person")?;
        if summary.total() > 0 {
            let states = [
                ("Migrated", charts::MIGRATED),
                ("Failed", charts::FAILED),
                ("Queued", charts::QUEUED),
                ("Skipped", charts::SKIPPED),
                ("Reverted", charts::REVERTED),
            ];
            self.charts.push(charts::states(first, &states));
        }
        let verdict = facts.verdict();
        let look = if facts.contradictions.is_empty() { &self.looks.text } else { &self.looks.mark };
        write_text_as(&mut self.sheet, self.row, 1, &verdict, look)?;
        self.noted("Check", &facts.equation())?;
        let tried = summary.migrated + summary.failed;
        let (migrated, finished) = (grouped(summary.migrated), grouped(tried));
        let rate = format!("{migrated} migrated of {finished} finished (migrated and failed)");
        self.share("Success rate", (tried > 0).then(|| summary.success_rate()), &rate)?;
        let done = grouped(summary.total() - summary.queued);
        let done = format!("{done} of {} no longer queued", grouped(summary.total()));
        self.share("Progress", (summary.total() > 0).then(|| summary.progress()), &done)?;
        self.row += 1;
        Ok(())
    }

    fn times(&mut self, facts: &Facts) -> Result<(), XlsxError> {
        let summary = &facts.summary;
        let zone = format!("Times in {}", self.timezone);
        self.heading(&["When and by whom", &zone, "", ""])?;
        self.time("First enqueued", summary.first_enqueued_at)?;
        self.time("First started", summary.first_started_at)?;
        self.time("Last finished", summary.last_finished_at)?;
        let duration = summary.duration().map_or_else(|| "-".to_owned(), readable);
        self.text("From start to finish", &duration, "")?;
        self.time("Report as of", Some(facts.made_at))?;
        self.text("Report made by", &facts.made_by, "")?;
        if let (Some(last), Some(first)) = (facts.runs.first(), facts.runs.last()) {
            let runs =
                format!("sheet Runs; the first by {}@{}, the last by {}@{}", first.by, first.host, last.by, last.host);
            self.count("Runs", i64::try_from(facts.runs.len()).unwrap_or(i64::MAX), &runs)?;
        }
        self.row += 1;
        Ok(())
    }

    fn last_failed(&mut self, summary: &Summary, rows: &CertificateRows) -> Result<(), XlsxError> {
        self.heading(&["Last failed certificate", "", "", ""])?;
        if let Some(failed) = &summary.last_failed {
            self.cell(0, "Certificate id", |looks| &looks.label)?;
            write_id_as(&mut self.sheet, self.row, 1, failed.certificate_id.0, &self.looks.id)?;
            self.link(2, "its row", rows.last_failed())?;
            self.row += 1;
            self.text("Code", &failed.code, "")?;
            self.text("Message", &failed.message.replace('\n', " "), "")?;
            self.time("When", Some(failed.at))?;
        } else {
            self.text("None", "", "")?;
        }
        self.row += 1;
        Ok(())
    }

    fn codes(&mut self, summary: &Summary, rows: &CertificateRows) -> Result<(), XlsxError> {
        self.heading(&["Failed by first issue", "Kind", "Certificates", "What to do"])?;
        let first = self.row;
        for count in &summary.by_code {
            self.link(0, &count.code, rows.first_of_code(&count.code))?;
            self.cell(1, &count.kind, |looks| &looks.text)?;
            write_id_as(&mut self.sheet, self.row, 2, count.certificates, &self.looks.whole)?;
            let advice = Remedy::of(&count.code).in_full;
            self.cell(3, &advice, |looks| &looks.wrapped)?;
            make_room(&mut self.sheet, self.row, lines_of(&advice, usize::from(ADVICE_WIDTH)))?;
            self.row += 1;
        }
        if summary.by_code.is_empty() {
            self.text("None", "", "")?;
        } else {
            let bars = RowNum::try_from(summary.by_code.len().min(MOST_BARS)).unwrap_or(1);
            self.charts.push(charts::codes(first, first + bars - 1));
            let next = "Sheet Causes has what to mend first. Step by step: producer explain CODE. Then: producer retry \
                        --code CODE, or delete the rows that are not mended from sheet Unmigrated and run producer retry \
                        --from FILE";
            self.sheet.merge_range(self.row, 0, self.row, 3, next, &self.looks.note)?;
            make_room(&mut self.sheet, self.row, 2)?;
            self.row += 1;
        }
        self.row += 1;
        Ok(())
    }

    fn kinds(&mut self, summary: &Summary) -> Result<(), XlsxError> {
        let mut kinds: Vec<(&str, i64)> = Vec::new();
        for count in &summary.by_code {
            match kinds.iter_mut().find(|(kind, _)| *kind == count.kind) {
                Some((_, certificates)) => *certificates += count.certificates,
                None => kinds.push((&count.kind, count.certificates)),
            }
        }
        if kinds.is_empty() {
            return Ok(());
        }
        kinds.sort_by_key(|(_, certificates)| std::cmp::Reverse(*certificates));
        self.heading(&["Failed by kind", "", "Certificates", ""])?;
        for (kind, certificates) in kinds {
            let meaning = match kind {
                "mapping" => "something that the certificate needs is not in the new system, or not known there",
                "validation" => "the legacy row has a value that no rule accepts",
                "database" => "the new system's database refused the certificate, or did not answer",
                "internal" => "a mistake of Certferry itself, or workers that died",
                _ => "",
            };
            self.cell(0, kind, |looks| &looks.label)?;
            write_id_as(&mut self.sheet, self.row, 2, certificates, &self.looks.whole)?;
            self.cell(3, meaning, |looks| &looks.note)?;
            self.row += 1;
        }
        self.row += 1;
        Ok(())
    }

    fn warnings(&mut self, warnings: &[WarningCount], rows: &CertificateRows) -> Result<(), XlsxError> {
        self.heading(&["Migrated with a warning", "", "Certificates", "What it means"])?;
        for warning in warnings {
            self.link(0, &warning.code, rows.first_of_code(&warning.code))?;
            write_id_as(&mut self.sheet, self.row, 2, warning.certificates, &self.looks.whole)?;
            let meaning = CodePage::of(&warning.code).map(CodePage::summary).unwrap_or_default();
            self.cell(3, &meaning, |looks| &looks.wrapped)?;
            make_room(&mut self.sheet, self.row, lines_of(&meaning, usize::from(ADVICE_WIDTH)))?;
            self.row += 1;
        }
        if warnings.is_empty() {
            self.text("None", "", "")?;
        }
        self.row += 1;
        Ok(())
    }

    fn unaccounted(&mut self, facts: &Facts) -> Result<(), XlsxError> {
        let Some(unaccounted) = &facts.unaccounted else { return Ok(()) };
        self.heading(&["Not accounted for", "", "Certificates", "What it means and what to do"])?;
        for (finding, count) in unaccounted.counts().into_iter().filter(|(_, count)| *count > 0) {
            self.link(0, finding.as_str(), Some("internal:'Unaccounted'!A1"))?;
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            write_id_as(&mut self.sheet, self.row, 2, count, &self.looks.whole)?;
            self.cell(3, finding.meaning(), |looks| &looks.wrapped)?;
            self.row += 1;
        }
        if unaccounted.total() == 0 {
            self.text("None", "", "")?;
        }
        if let Some(rows) = unaccounted.source_rows {
            self.count(
                "Rows of the source",
                i64::try_from(rows).unwrap_or(i64::MAX),
                "all of them, read for this report",
            )?;
        }
        for what in &unaccounted.not_compared {
            self.sheet.merge_range(self.row, 0, self.row, 3, &format!("Not compared with {what}"), &self.looks.note)?;
            self.row += 1;
        }
        Ok(())
    }

    fn heading(&mut self, headers: &[&str; 4]) -> Result<(), XlsxError> {
        for (column, header) in (0..).zip(headers) {
            self.cell(column, header, |looks| &looks.header)?;
        }
        self.row += 1;
        Ok(())
    }

    fn count(&mut self, label: &str, count: i64, note: &str) -> Result<(), XlsxError> {
        write_id_as(&mut self.sheet, self.row, 1, count, &self.looks.whole)?;
        self.noted(label, note)
    }

    fn share(&mut self, label: &str, share: Option<f64>, note: &str) -> Result<(), XlsxError> {
        match share {
            Some(share) => {
                self.sheet.write_number_with_format(self.row, 1, share, &self.looks.percent)?;
            }
            None => self.cell(1, "-", |looks| &looks.text)?,
        }
        self.noted(label, note)
    }

    fn text(&mut self, label: &str, text: &str, note: &str) -> Result<(), XlsxError> {
        self.cell(1, text, |looks| &looks.text)?;
        self.noted(label, note)
    }

    fn time(&mut self, label: &str, time: Option<DateTime<Utc>>) -> Result<(), XlsxError> {
        match time {
            Some(time) => {
                let serial = serial_of(time, self.timezone);
                self.sheet.write_number_with_format(self.row, 1, serial, &self.looks.time)?;
                let utc = time.format("%Y-%m-%d %H:%M:%S UTC").to_string();
                self.cell(3, &utc, |looks| &looks.note)?;
            }
            None => self.cell(1, "-", |looks| &looks.text)?,
        }
        self.noted(label, "")
    }

    fn noted(&mut self, label: &str, note: &str) -> Result<(), XlsxError> {
        self.cell(0, label, |looks| &looks.label)?;
        // A cell left empty lets a long value flow over it.
        if !note.is_empty() {
            self.cell(3, note, |looks| &looks.note)?;
        }
        self.row += 1;
        Ok(())
    }

    /// A text that leads to a place of the workbook, if there is one.
    fn link(&mut self, column: ColNum, text: &str, place: Option<&str>) -> Result<(), XlsxError> {
        match place {
            Some(place) => {
                let url = rust_xlsxwriter::Url::new(place).set_text(text);
                self.sheet.write_url_with_format(self.row, column, url, &self.looks.link).map(drop)
            }
            None => self.cell(column, text, |looks| &looks.label),
        }
    }

    fn cell(&mut self, column: ColNum, text: &str, look: impl Fn(&Looks) -> &Format) -> Result<(), XlsxError> {
        write_text_as(&mut self.sheet, self.row, column, text, look(self.looks))
    }
}

fn readable(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{:.1} s", duration.as_secs_f64()),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_at_a_glance() {
        for (seconds, text) in
            [(0, "0.0 s"), (59, "59.0 s"), (61, "1 min 1 s"), (3661, "1 h 1 min"), (90_061, "1 d 1 h 1 min")]
        {
            assert_eq!(readable(Duration::from_secs(seconds)), text);
        }
    }
}
