use certferry_store::{ReportRow, Scope};
use chrono_tz::Tz;
use rust_xlsxwriter::{ColNum, Format, RowNum, Workbook, Worksheet, XlsxError};

use super::cells::{Looks, lines_of, make_room, write_id, write_text, write_time};
use crate::table::{readable_issues, readable_warnings};

/// Excel's own limit for a sheet, the header included.
const ROWS_A_SHEET: RowNum = 1_048_576;

/// Rows of more than one line that are made higher. The library remembers each of them until the end, and memory must
/// not grow with the number of certificates; Excel makes room for the others by itself.
const MOST_TALL_ROWS: usize = 10_000;

/// A column: its header and its width in characters.
type Column = (&'static str, u8);

const MIGRATED: &[Column] = &[
    ("Certificate id", 20),
    ("Certificate number", 22),
    ("ECU number", 22),
    ("New certificate id", 20),
    ("New vehicle id", 20),
    ("Warnings", 60),
    ("Attempts", 10),
    ("Worker", 26),
    ("Enqueued", 24),
    ("Started", 24),
    ("Finished", 24),
];

const UNMIGRATED: &[Column] = &[
    ("Certificate id", 20),
    ("Certificate number", 22),
    ("ECU number", 22),
    ("State", 10),
    ("Error kind", 12),
    ("Error code", 26),
    ("Error message", 60),
    ("All issues", 90),
    ("Attempts", 10),
    ("Worker", 26),
    ("Enqueued", 24),
    ("Started", 24),
    ("Finished", 24),
];

/// The sheet of one scope, and `(2)`, `(3)` where one sheet cannot hold all rows.
pub(super) struct CertificateSheets<'a> {
    workbook: &'a mut Workbook,
    scope: Scope,
    timezone: Tz,
    looks: Looks,
    sheet: Worksheet,
    number: usize,
    next_row: RowNum,
    rows_a_sheet: RowNum,
    tall_rows: usize,
}

impl<'a> CertificateSheets<'a> {
    pub(super) fn begin(workbook: &'a mut Workbook, scope: Scope, timezone: Tz) -> Result<Self, XlsxError> {
        let sheet = workbook.new_worksheet_with_constant_memory()?;
        let looks = Looks::new();
        let mut sheets = Self {
            workbook,
            scope,
            timezone,
            looks,
            sheet,
            number: 1,
            next_row: 0,
            rows_a_sheet: ROWS_A_SHEET,
            tall_rows: 0,
        };
        sheets.head()?;
        Ok(sheets)
    }

    pub(super) fn add(&mut self, row: &ReportRow) -> Result<(), XlsxError> {
        if self.next_row == self.rows_a_sheet {
            let next = self.workbook.new_worksheet_with_constant_memory()?;
            self.end_sheet(next)?;
            self.number += 1;
            self.head()?;
        }
        let mut line = Line {
            columns: self.columns(),
            sheet: &mut self.sheet,
            looks: &self.looks,
            timezone: self.timezone,
            row: self.next_row,
            column: 0,
            height: 1,
        };
        line.id(Some(row.certificate_id.0))?;
        line.text(row.certificate_number.as_deref())?;
        line.text(row.ecu_number.as_deref())?;
        if self.scope == Scope::Migrated {
            line.id(row.new_certificate_id.map(|id| id.0))?;
            line.id(row.new_vehicle_id.map(|id| id.0))?;
            line.lines(&readable_warnings(&row.warnings, "\n"))?;
        } else {
            line.text(Some(&row.state))?;
            line.text(row.error_kind.as_deref())?;
            line.text(row.error_code.as_deref())?;
            line.lines(row.error_message.as_deref().unwrap_or_default())?;
            line.lines(&readable_issues(&row.issues, "\n"))?;
        }
        line.id(Some(row.attempts.into()))?;
        line.text(row.worker.as_deref())?;
        line.time(Some(row.enqueued_at))?;
        line.time(row.started_at)?;
        line.time(row.finished_at)?;
        let height = line.height;
        if height > 1 && self.tall_rows < MOST_TALL_ROWS {
            make_room(&mut self.sheet, self.next_row, height)?;
            self.tall_rows += 1;
        }
        self.next_row += 1;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), XlsxError> {
        self.end_sheet(Worksheet::new())
    }

    fn columns(&self) -> &'static [Column] {
        if self.scope == Scope::Migrated { MIGRATED } else { UNMIGRATED }
    }

    fn head(&mut self) -> Result<(), XlsxError> {
        let name = if self.scope == Scope::Migrated { "Migrated" } else { "Unmigrated" };
        let suffix = if self.number == 1 { String::new() } else { format!(" ({})", self.number) };
        let columns = self.columns();
        let sheet = &mut self.sheet;
        sheet.set_name(format!("{name}{suffix}"))?;
        sheet.set_freeze_panes(1, 1)?;
        sheet.set_landscape().set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
        for (column, (header, width)) in (0..).zip(columns) {
            let is_time = ["Enqueued", "Started", "Finished"].contains(header);
            let header = if is_time { format!("{header} ({})", self.timezone) } else { (*header).to_owned() };
            sheet.set_column_width(column, f64::from(*width))?;
            sheet.write_string_with_format(0, column, header, &self.looks.header)?;
        }
        sheet.set_row_height(0, 32)?;
        self.next_row = 1;
        Ok(())
    }

    /// Closes the sheet, hands it to the workbook and goes on with `next`.
    fn end_sheet(&mut self, next: Worksheet) -> Result<(), XlsxError> {
        let last_column = ColNum::try_from(self.columns().len() - 1).map_err(|_| XlsxError::RowColumnLimitError)?;
        self.sheet.autofilter(0, 0, self.next_row - 1, last_column)?;
        // Certificate and ECU numbers of digits are names, not numbers that were stored wrongly.
        let mistaken = rust_xlsxwriter::IgnoreError::NumberStoredAsText;
        self.sheet.ignore_error_range(0, 0, self.next_row - 1, last_column, mistaken)?;
        let sheet = std::mem::replace(&mut self.sheet, next);
        self.workbook.push_worksheet(sheet);
        Ok(())
    }
}

/// The cells of one row, from left to right. A missing value leaves its cell empty.
struct Line<'a> {
    sheet: &'a mut Worksheet,
    looks: &'a Looks,
    timezone: Tz,
    columns: &'static [Column],
    row: RowNum,
    column: ColNum,
    height: usize,
}

impl Line<'_> {
    fn id(&mut self, id: Option<i64>) -> Result<(), XlsxError> {
        let looks = self.looks;
        id.map_or(Ok(()), |id| write_id(self.sheet, self.row, self.column, id, &looks.id))?;
        self.column += 1;
        Ok(())
    }

    fn text(&mut self, text: Option<&str>) -> Result<(), XlsxError> {
        let looks = self.looks;
        self.string(text.unwrap_or_default(), &looks.text)
    }

    fn lines(&mut self, text: &str) -> Result<(), XlsxError> {
        let width = usize::from(self.columns[usize::from(self.column)].1);
        self.height = self.height.max(lines_of(text, width));
        let looks = self.looks;
        self.string(text, &looks.wrapped)
    }

    fn string(&mut self, text: &str, format: &Format) -> Result<(), XlsxError> {
        if !text.is_empty() {
            write_text(self.sheet, self.row, self.column, text, format)?;
        }
        self.column += 1;
        Ok(())
    }

    fn time(&mut self, time: Option<chrono::DateTime<chrono::Utc>>) -> Result<(), XlsxError> {
        if let Some(time) = time {
            write_time(self.sheet, self.row, self.column, time, self.timezone, &self.looks.time)?;
        }
        self.column += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{DataType, Reader, Xlsx};
    use certferry_certificate::{NewId, OldId};
    use chrono::DateTime;

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

    /// The sheets, each with its ids, of a workbook whose sheets hold three certificates each.
    fn sheets_of(certificates: i64) -> Vec<(String, Vec<f64>)> {
        let mut workbook = Workbook::new();
        let mut sheets = CertificateSheets::begin(&mut workbook, Scope::Migrated, Tz::UTC).unwrap();
        sheets.rows_a_sheet = 4;
        for id in 1..=certificates {
            sheets.add(&row(id)).unwrap();
        }
        sheets.finish().unwrap();
        let mut read: Xlsx<_> = Xlsx::new(Cursor::new(workbook.save_to_buffer().unwrap())).unwrap();
        let ids = |(name, range): (String, calamine::Range<calamine::Data>)| {
            assert_eq!(range.get_value((0, 0)).unwrap(), "Certificate id");
            (name, range.rows().skip(1).map(|cells| cells[0].as_f64().unwrap()).collect())
        };
        read.worksheets().into_iter().map(ids).collect()
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
