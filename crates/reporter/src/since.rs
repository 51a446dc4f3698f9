//! The time that `--since` names.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A time as it was written: where it names no offset, a wall-clock time in the zone of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// With an offset.
    Instant(DateTime<Utc>),
    /// Without one.
    WallClock(NaiveDateTime),
}

impl Since {
    /// Reads `2026-11-25`, `2026-11-25 08:30`, `2026-11-25T08:30:00` or `2026-11-25T08:30:00+04:00`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Instant(instant.to_utc()));
        }
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::WallClock(date.and_time(chrono::NaiveTime::MIN)));
        }
        ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]
            .into_iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .map(Self::WallClock)
            .ok_or_else(|| {
                "write a date or a time, such as 2026-11-25, 2026-11-25T08:30 or 2026-11-25T08:30:00+04:00".to_owned()
            })
    }

    /// The instant that it is, where its wall clock is in `timezone`. A time that a change of clocks skips is the end of the
    /// gap; of one that comes twice it is the earlier.
    pub(crate) fn instant(self, timezone: Tz) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => instant,
            Self::WallClock(time) => {
                let there = |minutes| timezone.from_local_datetime(&(time + TimeDelta::minutes(minutes))).earliest();
                let time_there = (0..=240).step_by(15).find_map(there);
                time_there.map_or_else(|| time.and_utc(), |time| time.to_utc())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_zone_of_the_report() {
        for (text, zone, instant) in [
            ("2026-11-25", Tz::Asia__Dubai, "2026-11-24T20:00:00Z"),
            ("2026-11-25 08:30", Tz::Asia__Dubai, "2026-11-25T04:30:00Z"),
            ("2026-11-25T08:30:15", Tz::UTC, "2026-11-25T08:30:15Z"),
            ("2026-11-25T08:30:00+01:00", Tz::Asia__Dubai, "2026-11-25T07:30:00Z"),
            ("2026-11-25T08:30:00Z", Tz::Asia__Dubai, "2026-11-25T08:30:00Z"),
            // The clocks skip from 02:00 to 03:00, and come back to 02:00 from 03:00.
            ("2026-03-29 02:30", Tz::Europe__Berlin, "2026-03-29T01:00:00Z"),
            ("2026-10-25 02:30", Tz::Europe__Berlin, "2026-10-25T00:30:00Z"),
        ] {
            let since = Since::parse(text).unwrap().instant(zone);
            assert_eq!(since, instant.parse::<DateTime<Utc>>().unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "25/11/2026", "2026-13-01", "2026-11-25 25:00", "10"] {
            assert!(Since::parse(text).is_err(), "{text}");
        }
    }
}
