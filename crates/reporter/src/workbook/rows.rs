//! The sheets with a row for each certificate: Migrated, Unmigrated, Warnings.

use std::collections::HashMap;

use certferry_certificate::{CodePage, OldId, Remedy, State};
use certferry_store::ReportRow;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_xlsxwriter::{Worksheet, XlsxError};

use super::sheets::{Column, Paper, Sheets};
use crate::table::readable_issues;

pub(super) struct CertificateRows {
    migrated: Sheets,
    unmigrated: Sheets,
    warnings: Sheets,
    /// What to do about each code, and what each warning means.
    advice: HashMap<String, String>,
    /// Where the first certificate of each code is, for links.
    first_of_code: HashMap<String, String>,
    /// The failed certificate that was finished last, and where it is.
    last_failed: Option<(DateTime<Utc>, OldId, String)>,
}

impl CertificateRows {
    pub(super) fn begin(paper: &mut Paper) -> Result<Self, XlsxError> {
        let timezone = paper.timezone;
        let migrated = vec![
            Column::id("Certificate id"),
            Column::text("Certificate number", 22),
            Column::text("ECU number", 22),
            Column::id("New certificate id"),
            Column::id("New vehicle id"),
            Column::text("Warnings", 30),
            Column::id("Run"),
            Column::id("Attempts"),
            Column::text("Worker", 26),
            Column::time("Finished", timezone),
            Column::time("Finished", Tz::UTC),
        ];
        let unmigrated = vec![
            Column::id("Certificate id"),
            Column::text("Certificate number", 22),
            Column::text("ECU number", 22),
            Column::text("State", 10),
            Column::text("Kind", 12),
            Column::text("Code", 26),
            Column::text("Field", 20),
            Column::lines("Raw value", 24),
            Column::lines("Message", 50),
            Column::lines("What to do", 50),
            Column::lines("Other issues", 50),
            Column::id("Attempts"),
            Column::id("Run"),
            Column::text("Worker", 26),
            Column::time("Enqueued", timezone),
            Column::time("Last tried", timezone),
            Column::time("Last tried", Tz::UTC),
        ];
        let warnings = vec![
            Column::id("Certificate id"),
            Column::text("Certificate number", 22),
            Column::id("New certificate id"),
            Column::text("Code", 26),
            Column::lines("Message", 60),
            Column::lines("What it means", 70),
        ];
        Ok(Self {
            migrated: Sheets::begin(paper, "Migrated", migrated)?,
            unmigrated: Sheets::begin(paper, "Unmigrated", unmigrated)?,
            warnings: Sheets::begin(paper, "Warnings", warnings)?,
            advice: HashMap::new(),
            first_of_code: HashMap::new(),
            last_failed: None,
        })
    }

    pub(super) fn add(&mut self, paper: &mut Paper, row: &ReportRow) -> Result<(), XlsxError> {
        if row.state == State::Migrated.as_str() {
            self.add_migrated(paper, row)?;
            return self.add_warnings(paper, row);
        }
        self.add_unmigrated(paper, row)
    }

    /// A link to the first certificate that failed with a code, or that carries it as a warning.
    pub(super) fn first_of_code(&self, code: &str) -> Option<&str> {
        self.first_of_code.get(code).map(String::as_str)
    }

    /// A link to the certificate that failed last.
    pub(super) fn last_failed(&self) -> Option<&str> {
        self.last_failed.as_ref().map(|(_, _, place)| place.as_str())
    }

    pub(super) fn finish(self) -> Result<Vec<Worksheet>, XlsxError> {
        let mut sheets = self.migrated.finish()?;
        sheets.extend(self.unmigrated.finish()?);
        sheets.extend(self.warnings.finish()?);
        Ok(sheets)
    }

    fn add_migrated(&mut self, paper: &mut Paper, row: &ReportRow) -> Result<(), XlsxError> {
        let sheet = &mut self.migrated;
        sheet.begin_row(paper)?;
        sheet.id(Some(row.certificate_id.0))?;
        sheet.text(row.certificate_number.as_deref())?;
        sheet.text(row.ecu_number.as_deref())?;
        sheet.id(row.new_certificate_id.map(|id| id.0))?;
        sheet.id(row.new_vehicle_id.map(|id| id.0))?;
        let codes: Vec<&str> = row.warnings.iter().map(|warning| warning.code.as_str()).collect();
        sheet.text(Some(&codes.join(", ")))?;
        sheet.id(row.run_id)?;
        sheet.id(Some(row.attempts.into()))?;
        sheet.text(row.worker.as_deref())?;
        sheet.time(row.finished_at, paper.timezone)?;
        sheet.time(row.finished_at, Tz::UTC)
    }

    fn add_warnings(&mut self, paper: &mut Paper, row: &ReportRow) -> Result<(), XlsxError> {
        let sheet = &mut self.warnings;
        for warning in &row.warnings {
            sheet.begin_row(paper)?;
            if !self.first_of_code.contains_key(&warning.code) {
                self.first_of_code.insert(warning.code.clone(), sheet.place());
            }
            sheet.id(Some(row.certificate_id.0))?;
            sheet.text(row.certificate_number.as_deref())?;
            sheet.id(row.new_certificate_id.map(|id| id.0))?;
            sheet.text(Some(&warning.code))?;
            sheet.text(Some(&warning.message))?;
            let meaning = || CodePage::of(&warning.code).map(CodePage::summary).unwrap_or_default();
            sheet.text(Some(remembered(&mut self.advice, &warning.code, meaning)))?;
        }
        Ok(())
    }

    fn add_unmigrated(&mut self, paper: &mut Paper, row: &ReportRow) -> Result<(), XlsxError> {
        let sheet = &mut self.unmigrated;
        sheet.begin_row(paper)?;
        if let Some(code) = &row.error_code {
            if !self.first_of_code.contains_key(code) {
                self.first_of_code.insert(code.clone(), sheet.place());
            }
            let last = self.last_failed.as_ref();
            if let Some(at) = row.finished_at
                && last.is_none_or(|(last_at, id, _)| (*last_at, *id) < (at, row.certificate_id))
            {
                self.last_failed = Some((at, row.certificate_id, sheet.place()));
            }
        }
        let first = row.issues.first();
        sheet.id(Some(row.certificate_id.0))?;
        sheet.text(row.certificate_number.as_deref())?;
        sheet.text(row.ecu_number.as_deref())?;
        sheet.text(Some(&row.state))?;
        sheet.text(row.error_kind.as_deref())?;
        sheet.text(row.error_code.as_deref())?;
        sheet.text(first.and_then(|issue| issue.field.as_deref()))?;
        sheet.text(first.and_then(|issue| issue.raw.as_deref()))?;
        // Of one that a person set aside or took back it says why.
        sheet.text(row.error_message.as_deref().or(row.reason.as_deref()))?;
        match &row.error_code {
            Some(code) => sheet.text(Some(remembered(&mut self.advice, code, || Remedy::of(code).in_full)))?,
            None => sheet.text(Some(advice_by_state(&row.state)))?,
        }
        sheet.text(Some(&readable_issues(row.issues.get(1..).unwrap_or_default(), "\n")))?;
        sheet.id(Some(row.attempts.into()))?;
        sheet.id(row.run_id)?;
        sheet.text(row.worker.as_deref())?;
        sheet.time(Some(row.enqueued_at), paper.timezone)?;
        sheet.time(row.finished_at, paper.timezone)?;
        sheet.time(row.finished_at, Tz::UTC)
    }
}

fn remembered<'a>(advice: &'a mut HashMap<String, String>, code: &str, find: impl FnOnce() -> String) -> &'a str {
    if !advice.contains_key(code) {
        advice.insert(code.to_owned(), find());
    }
    &advice[code]
}

fn advice_by_state(state: &str) -> &'static str {
    match State::parse(state) {
        Some(State::Queued) => "Wait for a worker; `producer status` says why nothing moves.",
        Some(State::Skipped) => "`producer retry --skipped --id …` has it migrated after all.",
        Some(State::Reverted) => "`producer retry --reverted --id …` has it migrated again.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{DataType, Reader, Xlsx};
    use certferry_certificate::NewId;
    use rust_xlsxwriter::Workbook;

    use super::*;

    fn row(id: i64) -> ReportRow {
        ReportRow {
            certificate_id: OldId(id),
            state: "migrated".to_owned(),
            certificate_number: Some(format!("C-{id}")),
            ecu_number: None,
            new_certificate_id: Some(NewId(id)),
            new_vehicle_id: None,
            attempts: 1,
            error_kind: None,
            error_code: None,
            error_message: None,
            issues: Vec::new(),
            warnings: Vec::new(),
            run_id: Some(1),
            reason: None,
            worker: None,
            enqueued_at: DateTime::UNIX_EPOCH,
            started_at: None,
            finished_at: None,
        }
    }

    /// The sheets of migrated certificates, each with its ids, of a workbook whose sheets hold three certificates each.
    fn sheets_of(certificates: i64) -> Vec<(String, Vec<f64>)> {
        let mut paper = Paper::new(Workbook::new(), Tz::UTC, None);
        paper.rows_a_sheet = 4;
        let mut rows = CertificateRows::begin(&mut paper).unwrap();
        for id in 1..=certificates {
            rows.add(&mut paper, &row(id)).unwrap();
        }
        for sheet in rows.finish().unwrap() {
            paper.workbook.push_worksheet(sheet);
        }
        let mut read: Xlsx<_> = Xlsx::new(Cursor::new(paper.workbook.save_to_buffer().unwrap())).unwrap();
        let ids = |(name, range): (String, calamine::Range<calamine::Data>)| {
            assert_eq!(range.get_value((0, 0)).unwrap(), "Certificate id");
            (name, range.rows().skip(1).map(|cells| cells[0].as_f64().unwrap()).collect())
        };
        let sheets = read.worksheets().into_iter().filter(|(name, _)| name.starts_with("Migrated"));
        sheets.map(ids).collect()
    }

    #[test]
    fn certificates_that_do_not_fit_continue_on_the_next_sheet() {
        let name = |number: usize| if number == 1 { "Migrated".to_owned() } else { format!("Migrated ({number})") };
        for (certificates, sizes) in [(0, &[0][..]), (3, &[3]), (4, &[3, 1]), (7, &[3, 3, 1])] {
            let sheets = sheets_of(certificates);
            let names: Vec<_> = sheets.iter().map(|(name, _)| name.clone()).collect();
            assert_eq!(names, (1..=sizes.len()).map(name).collect::<Vec<_>>());
            assert_eq!(sheets.iter().map(|(_, ids)| ids.len()).collect::<Vec<_>>(), sizes);
            let ids: Vec<_> = sheets.into_iter().flat_map(|(_, ids)| ids).collect();
            assert_eq!(ids, (1..=i32::try_from(certificates).unwrap()).map(f64::from).collect::<Vec<_>>());
        }
    }
}
