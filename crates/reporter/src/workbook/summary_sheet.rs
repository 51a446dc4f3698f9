use std::time::Duration;

use certferry_certificate::{CodePage, Remedy};
use certferry_store::{Summary, WarningCount};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_xlsxwriter::{ColNum, Format, RowNum, Worksheet, XlsxError};

use super::cells::{Looks, lines_of, make_room, write_id, write_text, write_time};

/// The column of advice, in characters.
const ADVICE_WIDTH: u8 = 100;

/// The first sheet: what a manager asks, in one page.
pub(super) fn sheet(summary: &Summary, warnings: &[WarningCount], timezone: Tz) -> Result<Worksheet, XlsxError> {
    let mut sheet = Worksheet::new();
    sheet.set_name("Summary")?.set_active(true);
    sheet.set_landscape().set_print_fit_to_pages(1, 0).set_screen_gridlines(false);
    for (column, width) in [(0, 30), (1, 22), (2, 16), (3, ADVICE_WIDTH)] {
        sheet.set_column_width(column, f64::from(width))?;
    }
    let mut page = Page { sheet, looks: Looks::new(), timezone, row: 0 };
    page.title("Certificate migration report")?;
    page.counts(summary)?;
    page.times(summary)?;
    page.last_failed(summary)?;
    page.codes(summary)?;
    page.warnings(warnings)?;
    Ok(page.sheet)
}

struct Page {
    sheet: Worksheet,
    looks: Looks,
    timezone: Tz,
    row: RowNum,
}

impl Page {
    fn title(&mut self, title: &str) -> Result<(), XlsxError> {
        write_text(&mut self.sheet, self.row, 0, title, &self.looks.title)?;
        self.row += 2;
        Ok(())
    }

    fn counts(&mut self, summary: &Summary) -> Result<(), XlsxError> {
        self.heading(&["Certificates", "", "", ""])?;
        self.count("Total", summary.total(), "every certificate ever enqueued")?;
        self.count("Migrated", summary.migrated, "in the new system")?;
        self.count("Failed", summary.failed, "not in the new system, each with its reasons in sheet Unmigrated")?;
        self.count("Queued", summary.queued, "waiting, in hand, or waiting for another attempt")?;
        self.count("Skipped", summary.skipped, "set aside by a person")?;
        let tried = summary.migrated + summary.failed;
        let rate = format!("{} migrated of {tried} finished (migrated and failed)", summary.migrated);
        self.share("Success rate", (tried > 0).then(|| summary.success_rate()), &rate)?;
        let done = format!("{} of {} no longer queued", summary.total() - summary.queued, summary.total());
        self.share("Progress", (summary.total() > 0).then(|| summary.progress()), &done)?;
        self.row += 1;
        Ok(())
    }

    fn times(&mut self, summary: &Summary) -> Result<(), XlsxError> {
        let zone = format!("Times in {}", self.timezone);
        self.heading(&["When", &zone, "", ""])?;
        self.time("First enqueued", summary.first_enqueued_at)?;
        self.time("First started", summary.first_started_at)?;
        self.time("Last finished", summary.last_finished_at)?;
        let duration = summary.duration().map_or_else(|| "-".to_owned(), readable);
        self.text("From start to finish", &duration, "")?;
        self.time("Report as of", Some(summary.as_of.unwrap_or_else(Utc::now)))?;
        self.row += 1;
        Ok(())
    }

    fn last_failed(&mut self, summary: &Summary) -> Result<(), XlsxError> {
        self.heading(&["Last failed certificate", "", "", ""])?;
        if let Some(failed) = &summary.last_failed {
            self.cell(0, "Certificate id", |looks| &looks.label)?;
            write_id(&mut self.sheet, self.row, 1, failed.certificate_id.0, &self.looks.id)?;
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

    fn codes(&mut self, summary: &Summary) -> Result<(), XlsxError> {
        self.heading(&["Failed by first issue", "Kind", "Certificates", "What to do"])?;
        for count in &summary.by_code {
            self.cell(0, &count.code, |looks| &looks.label)?;
            self.cell(1, &count.kind, |looks| &looks.text)?;
            write_id(&mut self.sheet, self.row, 2, count.certificates, &self.looks.whole)?;
            let advice = Remedy::of(&count.code).in_full;
            self.cell(3, &advice, |looks| &looks.wrapped)?;
            make_room(&mut self.sheet, self.row, lines_of(&advice, usize::from(ADVICE_WIDTH)))?;
            self.row += 1;
        }
        if summary.by_code.is_empty() {
            self.text("None", "", "")?;
        } else {
            self.cell(0, "Step by step: producer explain CODE. Then: producer retry --code CODE", |looks| &looks.note)?;
            self.row += 1;
        }
        self.row += 1;
        Ok(())
    }

    fn warnings(&mut self, warnings: &[WarningCount]) -> Result<(), XlsxError> {
        self.heading(&["Migrated with a warning", "", "Certificates", "What it means"])?;
        for warning in warnings {
            self.cell(0, &warning.code, |looks| &looks.label)?;
            write_id(&mut self.sheet, self.row, 2, warning.certificates, &self.looks.whole)?;
            let meaning = CodePage::of(&warning.code).map(CodePage::summary).unwrap_or_default();
            self.cell(3, &meaning, |looks| &looks.wrapped)?;
            self.row += 1;
        }
        if warnings.is_empty() {
            self.text("None", "", "")?;
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
        write_id(&mut self.sheet, self.row, 1, count, &self.looks.whole)?;
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
                write_time(&mut self.sheet, self.row, 1, time, self.timezone, &self.looks.time)?;
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

    fn cell(&mut self, column: ColNum, text: &str, look: impl Fn(&Looks) -> &Format) -> Result<(), XlsxError> {
        write_text(&mut self.sheet, self.row, column, text, look(&self.looks))
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
