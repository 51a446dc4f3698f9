//! The status for people.

use std::fmt::Write as _;

use certferry_bootstrap::visible;
use certferry_certificate::Remedy;
use certferry_operations::Progress;
use certferry_store::{CodeCount, Forecast};
use chrono_tz::Tz;

use crate::figures::{duration, grouped};

/// Codes shown; the others are counted.
const CODES: usize = 12;

/// Everything, in some lines.
pub(crate) fn whole(progress: &Progress, timezone: Tz) -> String {
    let summary = &progress.summary;
    let mut text = String::new();
    if let Some(pause) = &progress.pause {
        let at = pause.at.with_timezone(&timezone).format("%Y-%m-%d %H:%M:%S");
        line_to(&mut text, &format!("PAUSED since {at} by {}; go on with: producer resume", pause.by));
        if let Some(reason) = &pause.reason {
            line_to(&mut text, &format!("because {}", visible::visible(reason)));
        }
        line_to(&mut text, "");
    }
    if summary.total() == 0 {
        return format!("{text}no certificate was ever enqueued; {}", workers(progress.workers));
    }
    let total = summary.total();
    let mut put = |name: &str, count: i64| {
        line_to(&mut text, &format!("{name:<14}{:>13}  {:>5.1}%", grouped(count), percent(count, total)));
    };
    put("migrated", summary.migrated);
    put("failed", summary.failed);
    put("queued", summary.queued);
    if summary.skipped > 0 {
        put("skipped", summary.skipped);
    }
    line_to(&mut text, &format!("{:<14}{:>13}", "total", grouped(total)));
    if summary.migrated + summary.failed > 0 {
        let rate = format!("{:.1}%", summary.success_rate() * 100.0);
        line_to(&mut text, &format!("{:<14}{rate:>13}", "success rate"));
    }
    line_to(&mut text, &format!("{:<14}{}", "now", pace(progress)));
    if let Some(reason) = progress.waiting_because.as_ref().filter(|_| !progress.paused) {
        line_to(&mut text, &format!("{:<14}{}", "waiting", visible::visible(reason)));
    }
    if let Some(foreseen) = progress.forecast.as_ref().and_then(foreseen) {
        line_to(&mut text, &format!("{:<14}{foreseen}", "forecast"));
    }
    if summary.late_results > 0 {
        let count = grouped(summary.late_results);
        let note = "a worker was away for longer than worker.orphan_after; nothing was written twice";
        line_to(&mut text, &format!("{:<14}{count:>13}  {note}", "late results"));
    }
    if !summary.by_code.is_empty() {
        line_to(&mut text, "");
        codes(&mut text, &summary.by_code);
    }
    if let Some(last) = &summary.last_failed {
        let at = last.at.with_timezone(&timezone).format("%Y-%m-%d %H:%M:%S");
        line_to(&mut text, "");
        line_to(
            &mut text,
            &format!("last failed: certificate {} at {at}, {}: {}", last.certificate_id, last.code, last.message),
        );
    }
    text.trim_end().to_owned()
}

/// What was foreseen, in a few words; none of a forecast in another form than ours.
fn foreseen(forecast: &Forecast) -> Option<String> {
    let count = |key: &str| forecast.forecast.get(key).and_then(serde_json::Value::as_u64);
    let (migrate, fail) = (count("would_migrate")?, count("would_fail")?);
    let is_sample = forecast.forecast.get("is_sample") == Some(&true.into());
    let of = if is_sample { " of a sample" } else { "" };
    Some(format!("{} would migrate and {} fail{of}, said producer check", grouped(migrate), grouped(fail)))
}

/// Everything that moves, in one line.
pub(crate) fn line(progress: &Progress) -> String {
    let summary = &progress.summary;
    let now = match &progress.waiting_because {
        Some(reason) => format!("waiting: {}", visible::visible(reason)),
        None => pace(progress),
    };
    format!(
        "{} migrated, {} failed, {} queued of {}; {now}",
        grouped(summary.migrated),
        grouped(summary.failed),
        grouped(summary.queued),
        grouped(summary.total())
    )
}

fn codes(text: &mut String, counts: &[CodeCount]) {
    line_to(text, "failed because of");
    let width = counts.iter().take(CODES).map(|count| count.code.len()).max().unwrap_or_default();
    for CodeCount { code, certificates, .. } in counts.iter().take(CODES) {
        line_to(text, &format!("  {code:<width$}{:>10}  {}", grouped(*certificates), Remedy::of(code).in_short));
    }
    if counts.len() > CODES {
        let others: i64 = counts[CODES..].iter().map(|count| count.certificates).sum();
        line_to(text, &format!("  and {} more by {} other codes", grouped(others), counts.len() - CODES));
    }
    line_to(text, "step by step: producer explain CODE");
    line_to(text, "after mending it: producer retry, for one reason alone with --code CODE");
}

fn pace(progress: &Progress) -> String {
    let workers = workers(progress.workers);
    match progress.eta_seconds {
        _ if progress.summary.queued == 0 => format!("nothing is queued, {workers}"),
        _ if progress.paused => format!("paused, {workers}"),
        Some(seconds) => format!("{:.0}/s, about {} left, {workers}", progress.rate_per_second, duration(seconds)),
        None => format!("nothing was finished within the last minute, {workers}"),
    }
}

fn workers(alive: usize) -> String {
    match alive {
        0 => "no worker is alive".to_owned(),
        1 => "1 worker is alive".to_owned(),
        n => format!("{n} workers are alive"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for display")]
pub(crate) fn percent(part: i64, whole: i64) -> f64 {
    100.0 * part as f64 / whole as f64
}

fn line_to(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use certferry_certificate::OldId;
    use certferry_store::{LastFailed, Pause, Summary};
    use chrono::DateTime;

    use super::*;

    fn count(code: &str, certificates: i64) -> CodeCount {
        CodeCount { kind: "mapping".to_owned(), code: code.to_owned(), certificates }
    }

    fn under_way() -> Summary {
        Summary {
            queued: 1_484,
            migrated: 18_204,
            failed: 312,
            by_code: vec![count("missing_device", 300), count("unique_violation", 12)],
            last_failed: Some(LastFailed {
                certificate_id: OldId(4711),
                code: "missing_device".to_owned(),
                message: "no device has this ECU number".to_owned(),
                at: DateTime::UNIX_EPOCH,
            }),
            late_results: 3,
            ..Summary::default()
        }
    }

    fn moving(workers: usize) -> Progress {
        Progress {
            summary: under_way(),
            workers,
            rate_per_second: 812.4,
            eta_seconds: Some(2.0),
            ..Progress::default()
        }
    }

    #[test]
    fn a_forecast_stands_beside_the_outcome() {
        let forecast = Forecast {
            recorded_at: DateTime::UNIX_EPOCH,
            recorded_by: "someone".to_owned(),
            forecast: serde_json::json!({"would_migrate": 19_640, "would_fail": 360, "is_sample": false}),
        };
        let progress = Progress { forecast: Some(forecast), ..moving(2) };
        let shown = whole(&progress, chrono_tz::Asia::Dubai);
        assert!(shown.contains("\nforecast      19,640 would migrate and 360 fail, said producer check\n"), "{shown}");
    }

    #[test]
    fn the_whole_status() {
        let progress = moving(2);
        insta::assert_snapshot!(whole(&progress, chrono_tz::Asia::Dubai), @r"
        migrated             18,204   91.0%
        failed                  312    1.6%
        queued                1,484    7.4%
        total                20,000
        success rate          98.3%
        now           812/s, about 2s left, 2 workers are alive
        late results              3  a worker was away for longer than worker.orphan_after; nothing was written twice

        failed because of
          missing_device         300  add the device to the new system, or correct the ECU number
          unique_violation        12  decide which certificate is right, and change the other's number
        step by step: producer explain CODE
        after mending it: producer retry, for one reason alone with --code CODE

        last failed: certificate 4711 at 1970-01-01 04:00:00, missing_device: no device has this ECU number
        ");
    }

    #[test]
    fn a_paused_run_says_so_first() {
        let pause = Pause {
            at: DateTime::UNIX_EPOCH,
            by: "the circuit breaker of worker host-1-0000abcd".to_owned(),
            reason: Some("4,001 of the last 5,000 certificates failed with missing_device".to_owned()),
        };
        let progress = Progress { paused: true, pause: Some(pause), eta_seconds: None, ..moving(1) };
        let text = whole(&progress, chrono_tz::Asia::Dubai);
        insta::assert_snapshot!(text.lines().take(4).collect::<Vec<_>>().join("\n"), @r"
        PAUSED since 1970-01-01 04:00:00 by the circuit breaker of worker host-1-0000abcd; go on with: producer resume
        because 4,001 of the last 5,000 certificates failed with missing_device

        migrated             18,204   91.0%
        ");
        assert!(text.contains("paused, 1 worker is alive"));
    }

    #[test]
    fn a_status_that_stands_still() {
        let standing = Progress {
            eta_seconds: None,
            rate_per_second: 0.0,
            waiting_because: Some("no worker is alive; start one with `worker`".to_owned()),
            ..moving(0)
        };
        insta::assert_snapshot!(line(&standing), @"18,204 migrated, 312 failed, 1,484 queued of 20,000; waiting: no worker is alive; start one with `worker`");
        let done =
            Progress { workers: 1, summary: Summary { migrated: 7, ..Summary::default() }, ..Progress::default() };
        insta::assert_snapshot!(line(&done), @"7 migrated, 0 failed, 0 queued of 7; nothing is queued, 1 worker is alive");
        insta::assert_snapshot!(whole(&Progress::default(), chrono_tz::Asia::Dubai), @"no certificate was ever enqueued; no worker is alive");
    }

    #[test]
    fn numbers_and_times_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 119.4, 600.0, 9000.0].map(duration), ["0s", "119s", "10min", "2.5h"]);
    }
}
