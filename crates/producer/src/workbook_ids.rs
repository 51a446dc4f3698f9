//! The certificates that are left in a report's sheet Unmigrated, after a person edited it.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use anyhow::{Context, anyhow};
use calamine::{DataRef, Reader, Xlsx};
use certferry_bootstrap::{Hint, shown};
use certferry_certificate::OldId;

/// How the name of a sheet begins whose rows are read; a long report has `Unmigrated (2)` too.
const SHEET: &str = "unmigrated";

/// The header of the column that is read.
const HEADER: &str = "certificate id";

/// How many cells that hold no id are named; the others are counted.
const NAMED: usize = 10;

/// A spreadsheet rounds whole numbers beyond this.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

const REPORT: &str = "name a workbook that `reporter` wrote, saved as .xlsx; rows may be deleted, sorted and moved";

/// Reads the ids of a workbook, ascending, each once. The column is found by its header, wherever it is; a cell that holds no id
/// refuses the whole file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<OldId>> {
    let file = File::open(path).with_context(|| format!("could not read the workbook {}", path.display()));
    let file = file.hint("name another file with --from").usage()?;
    ids(BufReader::new(file)).usage().with_context(|| format!("could not read the workbook {}", path.display()))
}

fn ids(file: impl Read + Seek) -> anyhow::Result<Vec<OldId>> {
    let mut workbook = Xlsx::new(file).hint(REPORT)?;
    let names = workbook.sheet_names();
    let names: Vec<String> = names.into_iter().filter(|name| name.trim().to_lowercase().starts_with(SHEET)).collect();
    if names.is_empty() {
        return Err(anyhow!("it has no sheet Unmigrated")).hint(REPORT);
    }
    let mut column = Column::default();
    for name in &names {
        column.read(&mut workbook, name)?;
    }
    column.into_ids()
}

/// What stands below the header.
#[derive(Default)]
struct Column {
    ids: Vec<OldId>,
    named: Vec<String>,
    mistakes: usize,
}

impl Column {
    /// Cell by cell, so that a sheet of a million rows takes no more memory than its ids.
    fn read(&mut self, workbook: &mut Xlsx<impl Read + Seek>, sheet: &str) -> anyhow::Result<()> {
        let doing = || format!("sheet {sheet} could not be read");
        let mut cells = workbook.worksheet_cells_reader(sheet).with_context(doing).hint(REPORT)?;
        let mut header: Option<u32> = None;
        while let Some(cell) = cells.next_cell().with_context(doing).hint(REPORT)? {
            let (row, column) = cell.get_position();
            match header {
                None if is_header(cell.get_value()) => header = Some(column),
                Some(header) if column == header => match id(cell.get_value()) {
                    Ok(id) => self.ids.extend(id),
                    Err(value) => self.refuse(sheet, row, column, &value),
                },
                None | Some(_) => {}
            }
        }
        if header.is_none() {
            return Err(anyhow!("sheet {sheet} has no column with the header Certificate id")).hint(REPORT);
        }
        Ok(())
    }

    fn refuse(&mut self, sheet: &str, row: u32, column: u32, value: &str) {
        self.mistakes += 1;
        if self.named.len() < NAMED {
            self.named.push(format!("{sheet}!{}{}: `{}`", letters(column), row + 1, shown(value)));
        }
    }

    fn into_ids(mut self) -> anyhow::Result<Vec<OldId>> {
        if self.mistakes > 0 {
            let more = self.mistakes - self.named.len();
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            let named = self.named.join(", ");
            return Err(anyhow!("not a certificate id: {named}{more}"))
                .hint("correct or clear these cells, or delete their rows; nothing was queued");
        }
        self.ids.sort_unstable();
        self.ids.dedup();
        Ok(self.ids)
    }
}

fn is_header(value: &DataRef<'_>) -> bool {
    let is_it = |text: &str| text.trim().to_lowercase() == HEADER;
    match value {
        DataRef::String(text) => is_it(text),
        DataRef::SharedString(text) => is_it(text),
        _ => false,
    }
}

/// The id of a cell, none where it is empty; what stands there instead of one as the error.
fn id(value: &DataRef<'_>) -> Result<Option<OldId>, String> {
    let of_text = |text: &str| match text.trim().trim_start_matches('\'') {
        "" => Ok(None),
        digits => digits.parse().map(|id| Some(OldId(id))).map_err(|_| text.to_owned()),
    };
    match value {
        DataRef::Empty => Ok(None),
        DataRef::Int(id) => Ok(Some(OldId(*id))),
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within the range that is exact")]
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() <= LARGEST_EXACT => {
            Ok(Some(OldId(*number as i64)))
        }
        DataRef::Float(number) => Err(number.to_string()),
        DataRef::String(text) => of_text(text),
        DataRef::SharedString(text) => of_text(text),
        DataRef::Bool(value) => Err(value.to_string()),
        DataRef::DateTime(time) => Err(format!("{} as a date", time.as_f64())),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Err(text.clone()),
        DataRef::Error(error) => Err(error.to_string()),
    }
}

/// The name of a column: A, B, … Z, AA.
fn letters(column: u32) -> String {
    let letter = char::from(b'A' + u8::try_from(column % 26).unwrap_or(0));
    match column / 26 {
        0 => letter.to_string(),
        rest => letters(rest - 1) + &letter.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use certferry_bootstrap::exit;
    use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};

    use super::*;

    fn read(fill: impl Fn(&mut Workbook) -> Result<(), XlsxError>) -> Result<Vec<i64>, String> {
        let mut workbook = Workbook::new();
        fill(&mut workbook).unwrap();
        let ids = ids(Cursor::new(workbook.save_to_buffer().unwrap()));
        ids.map(|ids| ids.iter().map(|id| id.0).collect()).map_err(|error| exit::render(&error))
    }

    fn sheet<'a>(workbook: &'a mut Workbook, name: &str) -> Result<&'a mut Worksheet, XlsxError> {
        workbook.add_worksheet().set_name(name)
    }

    #[test]
    fn ids_are_found_by_the_header_wherever_they_are() {
        let ids = read(|workbook| {
            sheet(workbook, "Summary")?.write(0, 0, "Certificate id")?.write(1, 0, "not read")?;
            let edited = sheet(workbook, "Unmigrated")?;
            // A title above, a column before, numbers and text, gaps, the same again.
            edited.write(0, 0, "For Ahmed: please look at these")?;
            edited.write(2, 0, "Owner")?.write(2, 3, " certificate ID ")?.write(3, 0, "x")?;
            edited.write(3, 3, 7)?.write(4, 3, "9007199254740993")?.write(6, 3, " -5 ")?.write(7, 3, "'12")?;
            edited.write(8, 3, 7.0)?.write(9, 3, " ")?.write(10, 0, "7b")?;
            sheet(workbook, "Unmigrated (2)")?.write(0, 0, "Certificate id")?.write(1, 0, 1_048_577)?;
            Ok(())
        });
        assert_eq!(ids, Ok(vec![-5, 7, 12, 1_048_577, 9_007_199_254_740_993]));
    }

    #[test]
    fn a_sheet_whose_rows_are_all_deleted_names_nothing() {
        assert_eq!(read(|book| sheet(book, "Unmigrated")?.write(0, 0, "Certificate id").map(drop)), Ok(vec![]));
    }

    #[test]
    fn what_is_no_id_is_named_and_refuses_the_file() {
        let refused = read(|workbook| {
            let edited = sheet(workbook, "Unmigrated")?;
            edited.write(0, 1, "Certificate id")?.write(1, 1, 5)?.write(2, 1, 5.5)?.write(3, 1, "five")?;
            edited.write(4, 1, true)?.write(5, 1, 1e17)?.write(6, 1, "9223372036854775808").map(drop)
        });
        insta::assert_snapshot!(refused.unwrap_err(), @r"
        error: not a certificate id: Unmigrated!B3: `5.5`, Unmigrated!B4: `five`, Unmigrated!B5: `true`, Unmigrated!B6: `100000000000000000`, Unmigrated!B7: `9223372036854775808`
        hint: correct or clear these cells, or delete their rows; nothing was queued
        ");
    }

    #[test]
    fn another_workbook_is_refused() {
        let refused = read(|workbook| sheet(workbook, "Sheet1").map(drop)).unwrap_err();
        assert!(refused.starts_with("error: it has no sheet Unmigrated\nhint: name a workbook"), "{refused}");
        let refused = read(|workbook| sheet(workbook, "Unmigrated")?.write(0, 0, "id").map(drop)).unwrap_err();
        assert!(refused.starts_with("error: sheet Unmigrated has no column with the header Certificate id\n"));
        assert!(ids(Cursor::new("certificate_id\n1\n")).is_err(), "no workbook");
    }

    #[test]
    fn columns_have_the_names_that_a_spreadsheet_shows() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(column), name);
        }
    }
}
