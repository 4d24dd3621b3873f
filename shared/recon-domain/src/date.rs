//! Calendar dates and instants, kept apart.

use std::fmt;

use jiff::civil::Date;

/// A calendar date as a number of days since 1970-01-01. It has no time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(i32);

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(i64);

const EPOCH: Date = jiff::civil::date(1970, 1, 1);
const MICROS_PER_DAY: i64 = 86_400_000_000;

impl Day {
    /// The day with this number.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// 0 for Monday to 6 for Sunday.
    #[must_use]
    pub fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        usize::try_from((self.0.rem_euclid(7) + 3) % 7).unwrap_or(0)
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        Self(date.duration_since(EPOCH).as_hours().try_into().map_or(0, |hours: i32| hours.div_euclid(24)))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = jiff::SignedDuration::from_hours(i64::from(self.0) * 24);
        match EPOCH.checked_add(span) {
            Ok(date) => write!(f, "{date}"),
            Err(_) => write!(f, "day {}", self.0),
        }
    }
}

impl Instant {
    /// The instant with this number.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The calendar date of this instant in UTC.
    #[must_use]
    pub fn day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(MICROS_PER_DAY)).unwrap_or(i32::MAX))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{} us", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_the_epoch_and_print_as_dates() {
        for (year, month, day, number, weekday) in
            [(1970, 1, 1, 0, 3), (1969, 12, 31, -1, 2), (2026, 3, 2, 20_514, 0), (2000, 2, 29, 11_016, 1)]
        {
            let date = jiff::civil::date(year, month, day);
            let parsed = Day::from(date);
            assert_eq!((parsed.number(), parsed.weekday()), (number, weekday), "{date}");
            assert_eq!(parsed.to_string(), date.to_string());
        }
    }

    #[test]
    fn an_instant_falls_on_its_day_in_utc() {
        assert_eq!(Instant::from_micros(-1).day(), Day::from_number(-1));
        assert_eq!(Instant::from_micros(MICROS_PER_DAY).day(), Day::from_number(1));
        assert_eq!(Instant::from_micros(0).to_string(), "1970-01-01T00:00:00Z");
    }
}
