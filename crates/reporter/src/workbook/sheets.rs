//! A table of any length: a sheet with a header, columns that fit and filters, and further sheets where one cannot hold all rows.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_xlsxwriter::{ColNum, Color, Format, IgnoreError, RowNum, Workbook, Worksheet, XlsxError};

use super::cells::{Looks, lines_of, make_room, serial_of, write_id, write_text};

/// Excel's own limit for a sheet, the header included.
const ROWS_A_SHEET: RowNum = 1_048_576;

/// Rows of more than one line that are made higher. The library remembers each of them until the end, and memory must
/// not grow with the number of certificates; Excel makes room for the others by itself.
const MOST_TALL_ROWS: usize = 10_000;

/// The number that stands for A4.
const A4: u8 = 9;

/// What all sheets of a workbook share.
pub(super) struct Paper {
    pub(super) workbook: Workbook,
    pub(super) looks: Looks,
    pub(super) timezone: Tz,
    /// What every sheet says of a migration that is not finished.
    pub(super) mark: Option<String>,
    pub(super) rows_a_sheet: RowNum,
}

impl Paper {
    pub(super) fn new(workbook: Workbook, timezone: Tz, mark: Option<String>) -> Self {
        Self { workbook, looks: Looks::new(), timezone, mark, rows_a_sheet: ROWS_A_SHEET }
    }

    /// How a sheet is printed, and the mark of a migration that is not finished.
    pub(super) fn set_up(&self, sheet: &mut Worksheet) {
        sheet.set_landscape().set_paper_size(A4).set_print_fit_to_pages(1, 0);
        let mark = self.mark.as_ref().map(|mark| format!("&R&B{mark}")).unwrap_or_default();
        sheet.set_header(format!("&LCertificate migration report: &A{mark}"));
        sheet.set_footer("&L&D &T&RPage &P of &N");
        if self.mark.is_some() {
            sheet.set_tab_color(Color::Orange);
        }
    }
}

/// What the cells of a column hold.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Id,
    Count,
    Text,
    /// Text of several lines.
    Lines,
    Time,
}

pub(super) struct Column {
    pub(super) header: String,
    /// In characters.
    pub(super) width: u8,
    pub(super) kind: Kind,
}

impl Column {
    pub(super) fn id(header: &str) -> Self {
        Self { header: header.to_owned(), width: 18, kind: Kind::Id }
    }

    pub(super) fn count(header: &str) -> Self {
        Self { header: header.to_owned(), width: 13, kind: Kind::Count }
    }

    pub(super) fn text(header: &str, width: u8) -> Self {
        Self { header: header.to_owned(), width, kind: Kind::Text }
    }

    pub(super) fn lines(header: &str, width: u8) -> Self {
        Self { header: header.to_owned(), width, kind: Kind::Lines }
    }

    /// A time in a zone that the header names.
    pub(super) fn time(header: &str, timezone: Tz) -> Self {
        Self { header: format!("{header} ({timezone})"), width: 20, kind: Kind::Time }
    }
}

/// A table and the sheets that hold it: `Name`, `Name (2)`, and so on.
pub(super) struct Sheets {
    name: &'static str,
    columns: Vec<Column>,
    full: Vec<Worksheet>,
    sheet: Worksheet,
    row: RowNum,
    column: ColNum,
    /// Lines of the row at hand.
    lines: usize,
    tall_rows: usize,
}

impl Sheets {
    pub(super) fn begin(paper: &mut Paper, name: &'static str, columns: Vec<Column>) -> Result<Self, XlsxError> {
        let sheet = paper.workbook.new_worksheet_with_constant_memory()?;
        let mut sheets = Self { name, columns, full: Vec::new(), sheet, row: 0, column: 0, lines: 1, tall_rows: 0 };
        sheets.head(paper)?;
        Ok(sheets)
    }

    /// Begins another row, on another sheet where this one is full.
    pub(super) fn begin_row(&mut self, paper: &mut Paper) -> Result<(), XlsxError> {
        self.end_row()?;
        if self.row + 1 == paper.rows_a_sheet {
            self.close()?;
            let next = paper.workbook.new_worksheet_with_constant_memory()?;
            self.full.push(std::mem::replace(&mut self.sheet, next));
            self.head(paper)?;
        }
        self.row += 1;
        Ok(())
    }

    /// The sheet and the row at hand, for a link to it.
    pub(super) fn place(&self) -> String {
        format!("internal:'{}'!A{}", self.sheet_name(), self.row + 1)
    }

    pub(super) fn id(&mut self, id: Option<i64>) -> Result<(), XlsxError> {
        if let Some(id) = id {
            write_id(&mut self.sheet, self.row, self.column, id)?;
        }
        self.column += 1;
        Ok(())
    }

    pub(super) fn text(&mut self, text: Option<&str>) -> Result<(), XlsxError> {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            if matches!(self.columns[usize::from(self.column)].kind, Kind::Lines) {
                let width = usize::from(self.columns[usize::from(self.column)].width);
                self.lines = self.lines.max(lines_of(text, width));
            }
            write_text(&mut self.sheet, self.row, self.column, text)?;
        }
        self.column += 1;
        Ok(())
    }

    /// A text that leads to a place of the workbook.
    pub(super) fn link(&mut self, text: &str, place: Option<&str>, format: &Format) -> Result<(), XlsxError> {
        match place {
            Some(place) => {
                let url = rust_xlsxwriter::Url::new(place).set_text(text);
                self.sheet.write_url_with_format(self.row, self.column, url, format)?;
                self.column += 1;
                Ok(())
            }
            None => self.text(Some(text)),
        }
    }

    pub(super) fn time(&mut self, time: Option<DateTime<Utc>>, timezone: Tz) -> Result<(), XlsxError> {
        if let Some(time) = time {
            self.sheet.write_number(self.row, self.column, serial_of(time, timezone))?;
        }
        self.column += 1;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<Worksheet>, XlsxError> {
        self.end_row()?;
        self.close()?;
        self.full.push(self.sheet);
        Ok(self.full)
    }

    fn sheet_name(&self) -> String {
        match self.full.len() {
            0 => self.name.to_owned(),
            number => format!("{} ({})", self.name, number + 1),
        }
    }

    fn head(&mut self, paper: &Paper) -> Result<(), XlsxError> {
        let name = self.sheet_name();
        let sheet = &mut self.sheet;
        sheet.set_name(name)?;
        sheet.set_freeze_panes(1, 1)?;
        sheet.set_repeat_rows(0, 0)?;
        paper.set_up(sheet);
        for (column, Column { header, width, kind }) in (0..).zip(&self.columns) {
            sheet.set_column_width(column, f64::from(*width))?;
            // Cells take the look of their column, which is found faster than one of their own.
            sheet.set_column_format(column, paper.looks.of(*kind))?;
            sheet.write_string_with_format(0, column, header, &paper.looks.header)?;
        }
        if let Some(mark) = &paper.mark {
            let column = ColNum::try_from(self.columns.len()).map_err(|_| XlsxError::RowColumnLimitError)?;
            sheet.set_column_width(column, 34)?;
            sheet.write_string_with_format(0, column, mark, &paper.looks.mark)?;
        }
        sheet.set_row_height(0, 32)?;
        (self.row, self.column, self.lines) = (0, 0, 1);
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), XlsxError> {
        if self.lines > 1 && self.tall_rows < MOST_TALL_ROWS {
            make_room(&mut self.sheet, self.row, self.lines)?;
            self.tall_rows += 1;
        }
        (self.column, self.lines) = (0, 1);
        Ok(())
    }

    /// Gives the sheet what needs to know its last row.
    fn close(&mut self) -> Result<(), XlsxError> {
        let last_column = ColNum::try_from(self.columns.len() - 1).map_err(|_| XlsxError::RowColumnLimitError)?;
        self.sheet.autofilter(0, 0, self.row, last_column)?;
        // Certificate and ECU numbers of digits are names, not numbers that were stored wrongly.
        self.sheet.ignore_error_range(0, 0, self.row, last_column, IgnoreError::NumberStoredAsText)?;
        Ok(())
    }
}
