//! What every sheet has in common: looks, and values that Excel cannot hold as they are.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use rust_xlsxwriter::{ColNum, Color, Format, FormatAlign, FormatBorder, RowNum, Worksheet, XlsxError};

/// Excel's limit for one cell, in UTF-16 code units.
const LONGEST_TEXT: usize = 32_767;
/// Excel's numbers are IEEE doubles: beyond this, ids would be rounded.
const LARGEST_EXACT: i64 = 1 << 53;

/// The height of a line of text, in points, and how many of a row are shown at most; the rest is in the cell.
const LINE: f64 = 15.0;
const MOST_LINES: usize = 12;

const INK: Color = Color::RGB(0x1F_3A_5F);

/// The looks of the cells.
pub(super) struct Looks {
    pub(super) title: Format,
    pub(super) header: Format,
    pub(super) label: Format,
    pub(super) text: Format,
    pub(super) wrapped: Format,
    pub(super) id: Format,
    pub(super) whole: Format,
    pub(super) percent: Format,
    pub(super) time: Format,
    pub(super) note: Format,
}

impl Looks {
    pub(super) fn new() -> Self {
        let base = Format::new().set_align(FormatAlign::Top);
        Self {
            title: Format::new().set_bold().set_font_size(16).set_font_color(INK),
            header: Format::new()
                .set_bold()
                .set_font_color(Color::White)
                .set_background_color(INK)
                .set_border_bottom(FormatBorder::Thin)
                .set_align(FormatAlign::VerticalCenter)
                .set_text_wrap(),
            label: base.clone().set_bold(),
            text: base.clone(),
            wrapped: base.clone().set_text_wrap(),
            id: base.clone().set_num_format("0").set_align(FormatAlign::Left),
            whole: base.clone().set_num_format("#,##0").set_align(FormatAlign::Left),
            percent: base.clone().set_num_format("0.0%").set_align(FormatAlign::Left),
            time: base.clone().set_num_format("yyyy-mm-dd hh:mm:ss").set_align(FormatAlign::Left),
            note: base.set_text_wrap().set_font_color(Color::Gray),
        }
    }
}

/// Text as text, never as a formula, shortened visibly where Excel could not hold it.
pub(super) fn write_text(
    sheet: &mut Worksheet,
    row: RowNum,
    column: ColNum,
    text: &str,
    format: &Format,
) -> Result<(), XlsxError> {
    sheet.write_string_with_format(row, column, shortened(text), format).map(drop)
}

/// An id as a number, or as text where a number would be rounded.
pub(super) fn write_id(
    sheet: &mut Worksheet,
    row: RowNum,
    column: ColNum,
    id: i64,
    format: &Format,
) -> Result<(), XlsxError> {
    if (-LARGEST_EXACT..=LARGEST_EXACT).contains(&id) {
        #[expect(clippy::cast_precision_loss, reason = "exact in this range")]
        sheet.write_number_with_format(row, column, id as f64, format)?;
    } else {
        sheet.write_string_with_format(row, column, id.to_string(), format)?;
    }
    Ok(())
}

/// A time as Excel's own kind of date, in the zone of the report.
pub(super) fn write_time(
    sheet: &mut Worksheet,
    row: RowNum,
    column: ColNum,
    time: DateTime<Utc>,
    timezone: Tz,
    format: &Format,
) -> Result<(), XlsxError> {
    let local: NaiveDateTime = time.with_timezone(&timezone).naive_local();
    // Whole seconds are what is shown; more would make two equal looking cells differ in a filter.
    let whole = local.and_utc().timestamp();
    let local = DateTime::from_timestamp(whole, 0).map_or(local, |time| time.naive_utc());
    sheet.write_datetime_with_format(row, column, local, format).map(drop)
}

/// Makes the row as high as so many lines: not every program does so by itself when it opens the file.
pub(super) fn make_room(sheet: &mut Worksheet, row: RowNum, lines: usize) -> Result<(), XlsxError> {
    if lines > 1 {
        #[expect(clippy::cast_precision_loss, reason = "at most MOST_LINES")]
        sheet.set_row_height(row, LINE * lines.min(MOST_LINES) as f64)?;
    }
    Ok(())
}

/// About how many lines the text takes in a cell so many characters wide.
pub(super) fn lines_of(text: &str, width: usize) -> usize {
    text.split('\n').map(|line| line.chars().count().div_ceil(width).max(1)).sum()
}

fn shortened(text: &str) -> Cow<'_, str> {
    let length = text.encode_utf16().count();
    if length <= LONGEST_TEXT {
        return Cow::Borrowed(text);
    }
    let note = format!(" … [shortened: {length} characters]");
    let room = LONGEST_TEXT - note.encode_utf16().count();
    let mut used = 0;
    let kept = text.chars().take_while(|c| {
        used += c.len_utf16();
        used <= room
    });
    Cow::Owned(kept.chain(note.chars()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_they_wrap() {
        assert_eq!(lines_of("", 10), 1);
        assert_eq!(lines_of("ten chars.", 10), 1);
        assert_eq!(lines_of("eleven char", 10), 2);
        assert_eq!(lines_of("one\ntwo\neleven char", 10), 4);
    }

    #[test]
    fn long_text_is_shortened_visibly_and_never_in_the_middle_of_a_character() {
        let fits = "س".repeat(LONGEST_TEXT);
        assert_eq!(shortened(&fits), fits);
        for text in ["س".repeat(LONGEST_TEXT + 1), "🚗".repeat(20_000)] {
            let shown = shortened(&text);
            let length = shown.encode_utf16().count();
            assert!(length <= LONGEST_TEXT && length > LONGEST_TEXT - 2, "{length}");
            assert!(shown.ends_with(&format!("[shortened: {} characters]", text.encode_utf16().count())));
        }
    }
}
