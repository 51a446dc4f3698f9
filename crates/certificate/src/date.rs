//! `rules.md`, Dates: the accepted forms, read by hand from left to right.
//!
//! What the rules leave open is decided here. The parts are the date, a `T`, the time, `AM` or `PM` and the offset, and
//! day, month and year where white space separates them: between them white space of any kind and length may stand, and
//! must only between date and time. Inside a part there is none. Letters may have any case. A local time that occurs twice (clocks put back) is the earlier
//! instant; one that never occurs (clocks put forward) is read with the offset in force before the change, as
//! PostgreSQL does, so that a day that starts with such a gap still has a midnight.

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _, Utc};
use chrono_tz::Tz;
use thiserror::Error;

use crate::text::digit;

const YEARS: std::ops::RangeInclusive<u32> = 1990..=2100;
/// The clocks' changes are known up to the year before; by the rules of then, this year's are those of a year with the same
/// days of the week.
const LAST_YEAR: i32 = 2100;
const ITS_TWIN: i32 = 2094;
const LONGEST_OFFSET_MINUTES: u32 = 14 * 60;
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Why a text is not a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum NotADate {
    #[error(
        "accepted are YYYY-MM-DD, YYYY/MM/DD, DD/MM/YYYY, DD-MM-YYYY, DD.MM.YYYY, DD-Mon-YYYY and DD Mon YYYY, each with \
         or without HH:MM[:SS[.fraction]], AM or PM, and the first two also with Z or an offset"
    )]
    Form,
    #[error("the year is outside 1990 to 2100")]
    Year,
    #[error("there is no such day")]
    Day,
    #[error("there is no such time")]
    Time,
    #[error("there is no such offset: at most 14 hours are")]
    Offset,
}

/// The instant a trimmed text stands for; `None` for the zero date, which is a missing one.
pub(crate) fn parse(text: &str, zone: Tz) -> Result<Option<DateTime<Utc>>, NotADate> {
    let mut cursor = Cursor(text);
    let date = cursor.date().ok_or(NotADate::Form)?;
    let mut time = NaiveTime::MIN;
    let mut offset = None;
    if !cursor.is_at_end() {
        let mut is_separate = cursor.eat_space();
        if date.is_year_first && cursor.eat_letter('T') {
            is_separate = true;
            cursor.eat_space();
        }
        if !is_separate {
            return Err(NotADate::Form);
        }
        time = cursor.time()?;
        if date.is_year_first {
            cursor.eat_space();
            offset = cursor.offset()?;
        }
        if !cursor.is_at_end() {
            return Err(NotADate::Form);
        }
    }
    if date.is_zero {
        return Ok(None);
    }
    let local = date.day()?.and_time(time);
    match offset {
        Some(offset) => Ok(Some((local - offset).and_utc())),
        None => instant(local, zone).map(Some),
    }
}

/// The instant of a wall-clock time.
fn instant(local: NaiveDateTime, zone: Tz) -> Result<DateTime<Utc>, NotADate> {
    let known = if local.year() == LAST_YEAR { local.with_year(ITS_TWIN).ok_or(NotADate::Day)? } else { local };
    // A gap is at most a day long; the time an hour back, or two, or more, is before it.
    let offset = zone.offset_from_local_datetime(&known).earliest().or_else(|| {
        (1..=25).find_map(|hours| zone.offset_from_local_datetime(&(known - Duration::hours(hours))).latest())
    });
    offset.map(|offset| (local - offset.fix()).and_utc()).ok_or(NotADate::Time)
}

struct WrittenDate {
    year: u32,
    month: u32,
    day: u32,
    is_year_first: bool,
    /// Whether it is `0000-00-00`.
    is_zero: bool,
}

impl WrittenDate {
    fn day(&self) -> Result<NaiveDate, NotADate> {
        if !YEARS.contains(&self.year) {
            return Err(NotADate::Year);
        }
        let year = i32::try_from(self.year).map_err(|_| NotADate::Year)?;
        NaiveDate::from_ymd_opt(year, self.month, self.day).ok_or(NotADate::Day)
    }
}

/// The text that is still to be read.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    fn eat(&mut self, expected: char) -> bool {
        let rest = self.0.strip_prefix(expected);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// An ASCII letter of either case.
    fn eat_letter(&mut self, expected: char) -> bool {
        let rest = self.0.strip_prefix(|c: char| c.eq_ignore_ascii_case(&expected));
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn eat_one_of(&mut self, expected: &[char]) -> Option<char> {
        expected.iter().copied().find(|expected| self.eat(*expected))
    }

    fn eat_space(&mut self) -> bool {
        let rest = self.0.trim_start();
        let some = rest.len() < self.0.len();
        self.0 = rest;
        some
    }

    fn take_while(&mut self, matches: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.0.split_at(self.0.find(|c| !matches(c)).unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    /// All the digits that follow, if they are so many: their number and their value.
    fn digits(&mut self, least: usize, most: usize) -> Option<(usize, u32)> {
        let digits = self.take_while(|c| digit(c).is_some());
        let mut count = 0;
        let mut value = 0;
        for digit in digits.chars().filter_map(digit).take(most + 1) {
            count += 1;
            value = value * 10 + digit;
        }
        (least..=most).contains(&count).then_some((count, value))
    }

    fn two_digits(&mut self) -> Option<u32> {
        self.digits(2, 2).map(|(_, value)| value)
    }

    fn one_or_two_digits(&mut self) -> Option<u32> {
        self.digits(1, 2).map(|(_, value)| value)
    }

    fn date(&mut self) -> Option<WrittenDate> {
        let (count, first) = self.digits(1, 4)?;
        match count {
            4 => self.month_and_day(first),
            1 | 2 => self.month_and_year(first),
            _ => None,
        }
    }

    fn month_and_day(&mut self, year: u32) -> Option<WrittenDate> {
        let separator = self.eat_one_of(&['-', '/'])?;
        let (month_digits, month) = self.digits(1, 2)?;
        let (day_digits, day) = self.eat(separator).then(|| self.digits(1, 2))??;
        let is_zero = separator == '-' && (year, month, day, month_digits, day_digits) == (0, 0, 0, 2, 2);
        Some(WrittenDate { year, month, day, is_year_first: true, is_zero })
    }

    fn month_and_year(&mut self, day: u32) -> Option<WrittenDate> {
        let month;
        if self.eat_space() {
            month = self.month_name().filter(|_| self.eat_space())?;
        } else {
            let separator = self.eat_one_of(&['-', '/', '.'])?;
            month = match separator {
                '-' if self.0.starts_with(|c: char| c.is_ascii_alphabetic()) => self.month_name()?,
                _ => self.one_or_two_digits()?,
            };
            if !self.eat(separator) {
                return None;
            }
        }
        let (_, year) = self.digits(4, 4)?;
        Some(WrittenDate { year, month, day, is_year_first: false, is_zero: false })
    }

    fn month_name(&mut self) -> Option<u32> {
        let name = self.take_while(|c| c.is_ascii_alphabetic());
        (1..)
            .zip(MONTHS)
            .find(|(_, month)| name.eq_ignore_ascii_case(month) || name.eq_ignore_ascii_case(&month[..3]))
            .map(|(number, _)| number)
    }

    fn time(&mut self) -> Result<NaiveTime, NotADate> {
        let (hour, minute, second, micros) = self.clock().ok_or(NotADate::Form)?;
        let hour = match self.half_of_the_day() {
            None => hour,
            Some(_) if !(1..=12).contains(&hour) => return Err(NotADate::Time),
            Some(Half::Am) => hour % 12,
            Some(Half::Pm) => hour % 12 + 12,
        };
        NaiveTime::from_hms_micro_opt(hour, minute, second, micros).ok_or(NotADate::Time)
    }

    fn clock(&mut self) -> Option<(u32, u32, u32, u32)> {
        let hour = self.one_or_two_digits()?;
        let minute = self.eat(':').then(|| self.two_digits())??;
        if !self.eat(':') {
            return Some((hour, minute, 0, 0));
        }
        let second = self.two_digits()?;
        let micros = if self.eat('.') { self.micros()? } else { 0 };
        Some((hour, minute, second, micros))
    }

    /// The digits of a fraction, at least one, cut off beyond microseconds.
    fn micros(&mut self) -> Option<u32> {
        let fraction = self.take_while(|c| digit(c).is_some());
        let digits = fraction.chars().filter_map(digit).chain(std::iter::repeat(0));
        (!fraction.is_empty()).then(|| digits.take(6).fold(0, |micros, digit| micros * 10 + digit))
    }

    /// `AM` or `PM`; whatever else follows the time is left to be read.
    fn half_of_the_day(&mut self) -> Option<Half> {
        let (half, rest) = self.0.trim_start().split_at_checked(2)?;
        let half = match half {
            _ if half.eq_ignore_ascii_case("am") => Half::Am,
            _ if half.eq_ignore_ascii_case("pm") => Half::Pm,
            _ => return None,
        };
        self.0 = rest;
        Some(half)
    }

    fn offset(&mut self) -> Result<Option<Duration>, NotADate> {
        if self.eat_letter('Z') {
            return Ok(Some(Duration::zero()));
        }
        let Some(sign) = self.eat_one_of(&['+', '-']) else { return Ok(None) };
        let (hours, minutes) = self.hours_and_minutes().ok_or(NotADate::Form)?;
        let offset = hours * 60 + minutes;
        if minutes > 59 || offset > LONGEST_OFFSET_MINUTES {
            return Err(NotADate::Offset);
        }
        let offset = Duration::minutes(offset.into());
        Ok(Some(if sign == '-' { -offset } else { offset }))
    }

    /// `HH`, `HH:MM` or `HHMM`.
    fn hours_and_minutes(&mut self) -> Option<(u32, u32)> {
        match self.digits(2, 4)? {
            (2, hours) => Some((hours, if self.eat(':') { self.two_digits()? } else { 0 })),
            (4, both) => Some((both / 100, both % 100)),
            _ => None,
        }
    }
}

enum Half {
    Am,
    Pm,
}

#[cfg(test)]
mod tests;
