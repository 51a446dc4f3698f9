//! Time zones that a server need not know by name.

use chrono::{Datelike, Days, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

/// The years that a legacy date may be of.
const YEARS: std::ops::RangeInclusive<i32> = 1990..=2100;

/// The zone as `+04:00`, where it has been and will be nothing else in all the years that a date may be of.
pub(crate) fn fixed_offset(zone: Tz) -> Option<String> {
    let mut noon = NaiveDate::from_ymd_opt(*YEARS.start(), 1, 1)?.and_hms_opt(12, 0, 0)?;
    let offset = zone.offset_from_utc_datetime(&noon).fix();
    // No zone changes its offset for less than a day.
    while YEARS.contains(&noon.year()) {
        if zone.offset_from_utc_datetime(&noon).fix() != offset {
            return None;
        }
        noon = noon.checked_add_days(Days::new(1))?;
    }
    let seconds = offset.local_minus_utc();
    (seconds % 60 == 0).then(|| offset.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_zone_that_never_changes_is_an_offset() {
        for (zone, offset) in [
            (Tz::Asia__Dubai, Some("+04:00")),
            (Tz::UTC, Some("+00:00")),
            (Tz::Asia__Kolkata, Some("+05:30")),
            (Tz::Europe__Berlin, None),
            (Tz::Asia__Karachi, None),
            (Tz::Etc__GMTPlus3, Some("-03:00")),
        ] {
            assert_eq!(fixed_offset(zone).as_deref(), offset, "{zone}");
        }
    }
}
