//! The charts of the page, as SVG.

use certferry_store::Throughput;
use chrono_tz::Tz;

use super::markup::{add, escaped};
use crate::facts::grouped;

/// The width of a drawing in its own units; the page scales it.
const WIDTH: f64 = 800.0;

/// Codes that have a bar.
const MOST_BARS: usize = 15;

/// One bar of all states, as wide as their shares.
pub(super) fn states(counts: &[(&str, i64)]) -> String {
    let total: i64 = counts.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return String::new();
    }
    let mut x = 0.0;
    let mut bar = String::new();
    for (state, count) in counts.iter().filter(|(_, count)| *count > 0) {
        let width = WIDTH * share(*count, total);
        let label = format!("{state}: {}", grouped(*count));
        add(
            &mut bar,
            format_args!(
                "<rect class=\"{state}\" x=\"{x:.2}\" y=\"0\" width=\"{width:.2}\" height=\"22\"><title>{}</title></rect>",
                escaped(&label)
            ),
        );
        x += width;
    }
    format!(
        "<svg viewBox=\"0 0 {WIDTH} 22\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Certificates by state\">{bar}</svg>\n"
    )
}

/// A bar for each of the most frequent codes.
pub(super) fn bars(counts: &[(&str, i64)]) -> String {
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let mut html = "<div class=\"bars\">\n".to_owned();
    for (code, count) in counts.iter().take(MOST_BARS) {
        let width = WIDTH * share(*count, most);
        add(
            &mut html,
            format_args!(
                "<div class=\"bar\"><code>{}</code><svg viewBox=\"0 0 {WIDTH} 14\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"failed\" width=\"{width:.1}\" height=\"14\"/></svg><span>{}</span></div>\n",
                escaped(code),
                grouped(*count)
            ),
        );
    }
    html + "</div>\n"
}

/// Certificates that were finished over the time, a column for each interval: migrated below, failed on top.
pub(super) fn throughput(throughput: &Throughput, timezone: Tz) -> String {
    const HEIGHT: f64 = 160.0;
    let intervals = &throughput.intervals;
    let (Some(first), Some(last)) = (intervals.first(), intervals.last()) else { return String::new() };
    let most = intervals.iter().map(|interval| interval.migrated + interval.failed).max().unwrap_or(1).max(1);
    let step = WIDTH / f64::from(u32::try_from(intervals.len()).unwrap_or(1));
    let mut columns = String::new();
    let mut x = 0.0;
    for interval in intervals {
        let width = (step * 0.85).max(0.5);
        let (migrated, failed) = (HEIGHT * share(interval.migrated, most), HEIGHT * share(interval.failed, most));
        for (state, height, bottom) in [("migrated", migrated, HEIGHT), ("failed", failed, HEIGHT - migrated)] {
            if height > 0.0 {
                let y = bottom - height + 20.0;
                add(
                    &mut columns,
                    format_args!(
                        "<rect class=\"{state}\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\"/>"
                    ),
                );
            }
        }
        x += step;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
    let rate = most as f64 / throughput.seconds;
    let (at, bottom) = (HEIGHT + 20.0, HEIGHT + 36.0);
    let clock = |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&timezone).format("%Y-%m-%d %H:%M:%S").to_string();
    format!(
        "<figure><svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"Certificates finished over the time\">\
         <text x=\"0\" y=\"12\">at most {rate:.0} a second</text>{columns}\
         <line x1=\"0\" y1=\"{at}\" x2=\"{WIDTH}\" y2=\"{at}\"/>\
         <text x=\"0\" y=\"{bottom}\">{}</text><text x=\"{WIDTH}\" y=\"{bottom}\" text-anchor=\"end\">{}</text></svg></figure>\n",
        HEIGHT + 42.0,
        clock(first.at),
        clock(last.at),
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts of certificates are far below 2^53")]
fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}
