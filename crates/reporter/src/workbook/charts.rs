//! The charts of the summary, which Excel draws from cells of the workbook.

use certferry_store::Throughput;
use chrono_tz::Tz;
use rust_xlsxwriter::{
    Chart, ChartDataLabel, ChartLegendPosition, ChartPoint, ChartSolidFill, ChartType, Color, RowNum, Worksheet,
    XlsxError,
};

use super::cells::serial_of;
use super::sheets::{Kind, Paper};

pub(super) const MIGRATED: Color = Color::RGB(0x002E_7D32);
pub(super) const FAILED: Color = Color::RGB(0x00C6_2828);
pub(super) const QUEUED: Color = Color::RGB(0x00F9_A825);
pub(super) const SKIPPED: Color = Color::RGB(0x0075_7575);
pub(super) const REVERTED: Color = Color::RGB(0x006A_1B9A);

/// The size of a chart, in pixels.
const SIZE: (u32, u32) = (390, 280);

/// The sheet from which the chart of the throughput is drawn; none where nothing was finished.
pub(super) fn throughput_sheet(paper: &Paper, throughput: &Throughput) -> Result<Option<Worksheet>, XlsxError> {
    if throughput.intervals.is_empty() {
        return Ok(None);
    }
    let mut sheet = Worksheet::new();
    sheet.set_name("Throughput")?.set_freeze_panes(1, 1)?.set_repeat_rows(0, 0)?;
    paper.set_up(&mut sheet);
    let headers = [
        format!("From ({})", paper.timezone),
        "From (UTC)".to_owned(),
        "Migrated".to_owned(),
        "Failed".to_owned(),
        "Certificates a second".to_owned(),
    ];
    for (column, header) in (0..).zip(headers) {
        sheet.set_column_width(column, 24)?;
        sheet.write_string_with_format(0, column, header, &paper.looks.header)?;
    }
    if let Some(mark) = &paper.mark {
        sheet.set_column_width(5, 34)?;
        sheet.write_string_with_format(0, 5, mark, &paper.looks.mark)?;
    }
    sheet.set_row_height(0, 32)?;
    let (time, count) = (paper.looks.of(Kind::Time), paper.looks.of(Kind::Count));
    #[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
    for (row, interval) in (1..).zip(&throughput.intervals) {
        sheet.write_number_with_format(row, 0, serial_of(interval.at, paper.timezone), time)?;
        sheet.write_number_with_format(row, 1, serial_of(interval.at, Tz::UTC), time)?;
        sheet.write_number_with_format(row, 2, interval.migrated as f64, count)?;
        sheet.write_number_with_format(row, 3, interval.failed as f64, count)?;
        let rate = (interval.migrated + interval.failed) as f64 / throughput.seconds;
        sheet.write_number_with_format(row, 4, rate, &paper.looks.rate)?;
    }
    Ok(Some(sheet))
}

/// The certificates by state, in so many rows of the summary from `first` on.
pub(super) fn states(first: RowNum, labels: &[(&str, Color)]) -> Chart {
    let mut chart = Chart::new(ChartType::Doughnut);
    let last = first + RowNum::try_from(labels.len()).unwrap_or(1) - 1;
    let fill = |color: Color| ChartPoint::new().set_format(ChartSolidFill::new().set_color(color));
    let points: Vec<ChartPoint> = labels.iter().map(|(_, color)| fill(*color)).collect();
    chart
        .add_series()
        .set_categories(("Summary", first, 0, last, 0))
        .set_values(("Summary", first, 1, last, 1))
        .set_points(&points);
    chart.legend().set_position(ChartLegendPosition::Right);
    sized(chart, "Certificates by state")
}

/// The failed certificates by code, from the rows of the summary.
pub(super) fn codes(first: RowNum, last: RowNum) -> Chart {
    let mut chart = Chart::new(ChartType::Bar);
    chart
        .add_series()
        .set_categories(("Summary", first, 0, last, 0))
        .set_values(("Summary", first, 2, last, 2))
        .set_format(ChartSolidFill::new().set_color(FAILED))
        .set_data_label(ChartDataLabel::new().show_value())
        .set_gap(40);
    chart.legend().set_hidden();
    // The most frequent on top.
    chart.y_axis().set_reverse();
    // Each bar says its number.
    chart.x_axis().set_hidden(true);
    chart.x_axis().set_major_gridlines(false);
    chart.y_axis().set_major_gridlines(false);
    sized(chart, "Failed by first issue")
}

/// What was finished over the time, from the sheet Throughput.
pub(super) fn throughput(throughput: &Throughput) -> Chart {
    let mut chart = Chart::new(ChartType::AreaStacked);
    let last = RowNum::try_from(throughput.intervals.len()).unwrap_or(1);
    for (column, name, color) in [(2, "Migrated", MIGRATED), (3, "Failed", FAILED)] {
        chart
            .add_series()
            .set_name(name)
            .set_categories(("Throughput", 1, 0, last, 0))
            .set_values(("Throughput", 1, column, last, column))
            .set_format(ChartSolidFill::new().set_color(color));
    }
    let is_long = throughput.seconds * 60.0 > 86_400.0;
    chart.x_axis().set_num_format(if is_long { "d mmm hh:mm" } else { "hh:mm:ss" });
    chart.x_axis().set_text_axis(true);
    chart.legend().set_position(ChartLegendPosition::Bottom);
    let every = if throughput.seconds < 120.0 {
        format!("{:.0} s", throughput.seconds)
    } else {
        format!("{:.0} min", throughput.seconds / 60.0)
    };
    sized(chart, &format!("Finished in each {every}"))
}

fn sized(mut chart: Chart, title: &str) -> Chart {
    let (width, height) = SIZE;
    chart.title().set_name(title);
    chart.title().set_font(rust_xlsxwriter::ChartFont::new().set_size(12).set_bold());
    chart.set_width(width).set_height(height);
    chart
}
