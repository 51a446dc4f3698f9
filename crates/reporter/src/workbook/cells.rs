//! What every sheet has in common: looks, and values that Excel cannot hold as they are.

use std::borrow::Cow;

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use rust_xlsxwriter::{
    ColNum, Color, Format, FormatAlign, FormatBorder, FormatUnderline, RowNum, Worksheet, XlsxError,
};

use super::sheets::Kind;

/// Excel's limit for one cell, in UTF-16 code units.
const LONGEST_TEXT: usize = 32_767;
/// Excel's numbers are IEEE doubles: beyond this, ids would be rounded.
const LARGEST_EXACT: i64 = 1 << 53;

/// The height of a line of text, in points, and how many of a row are shown at most; the rest is in the cell.
const LINE: f64 = 15.0;
const MOST_LINES: usize = 12;

const INK: Color = Color::RGB(0x1F_3A_5F);
const LINK: Color = Color::RGB(0x05_63_C1);

/// The day from which Excel counts, in days before that of Unix.
const EPOCH: f64 = 25_569.0;

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
    pub(super) link: Format,
    pub(super) rate: Format,
    /// Of what nobody may overlook.
    pub(super) mark: Format,
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
            note: base.clone().set_text_wrap().set_font_color(Color::Gray),
            link: base.clone().set_font_color(LINK).set_underline(FormatUnderline::Single),
            rate: base.set_num_format("#,##0.0").set_align(FormatAlign::Left),
            mark: Format::new()
                .set_bold()
                .set_font_color(Color::Black)
                .set_background_color(Color::Orange)
                .set_align(FormatAlign::VerticalCenter)
                .set_text_wrap(),
        }
    }

    /// The look of the cells of a column.
    pub(super) const fn of(&self, kind: Kind) -> &Format {
        match kind {
            Kind::Id => &self.id,
            Kind::Count => &self.whole,
            Kind::Text => &self.text,
            Kind::Lines => &self.wrapped,
            Kind::Time => &self.time,
        }
    }
}

/// Text as text, never as a formula, shortened visibly where Excel could not hold it, in the look of its column.
pub(super) fn write_text(sheet: &mut Worksheet, row: RowNum, column: ColNum, text: &str) -> Result<(), XlsxError> {
    sheet.write_string(row, column, shortened(text)).map(drop)
}

/// The same in a look of its own.
pub(super) fn write_text_as(
    sheet: &mut Worksheet,
    row: RowNum,
    column: ColNum,
    text: &str,
    format: &Format,
) -> Result<(), XlsxError> {
    sheet.write_string_with_format(row, column, shortened(text), format).map(drop)
}

/// An id as a number, or as text where a number would be rounded, in the look of its column.
pub(super) fn write_id(sheet: &mut Worksheet, row: RowNum, column: ColNum, id: i64) -> Result<(), XlsxError> {
    match exact(id) {
        Some(number) => sheet.write_number(row, column, number).map(drop),
        None => sheet.write_string(row, column, id.to_string()).map(drop),
    }
}

/// The same in a look of its own.
pub(super) fn write_id_as(
    sheet: &mut Worksheet,
    row: RowNum,
    column: ColNum,
    id: i64,
    format: &Format,
) -> Result<(), XlsxError> {
    match exact(id) {
        Some(number) => sheet.write_number_with_format(row, column, number, format).map(drop),
        None => sheet.write_string_with_format(row, column, id.to_string(), format).map(drop),
    }
}

fn exact(id: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "exact in this range")]
    (-LARGEST_EXACT..=LARGEST_EXACT).contains(&id).then_some(id as f64)
}

/// A time as Excel counts it, in days, on the clocks of `timezone`; whole seconds, which are what is shown: more would make two
/// equal looking cells differ in a filter.
pub(super) fn serial_of(time: DateTime<Utc>, timezone: Tz) -> f64 {
    let offset = timezone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc();
    #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^53")]
    let seconds = (time.timestamp() + i64::from(offset)) as f64;
    seconds / 86_400.0 + EPOCH
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
    // A text has no more UTF-16 code units than bytes.
    if text.len() <= LONGEST_TEXT {
        return Cow::Borrowed(text);
    }
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
    fn times_are_days_on_the_clocks_of_a_zone() {
        let time = "2025-01-01T21:00:00.75Z".parse().unwrap();
        assert!((serial_of(time, Tz::UTC) - 45_658.875).abs() < 1e-9);
        assert!((serial_of(time, Tz::Asia__Dubai) - (45_658.875 + 4.0 / 24.0)).abs() < 1e-9);
    }

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
