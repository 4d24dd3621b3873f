//! Business days.

use crate::Day;

/// The spelling of weekdays in rule documents, Monday first.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Which days are business days: those outside the weekend that are no holidays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    name: String,
    weekend: [bool; 7],
    holidays: Vec<Day>,
}

impl Calendar {
    /// The most holidays a calendar may list.
    pub const HOLIDAYS_MAX: usize = 10_000;

    /// A calendar; holidays in any order. At least one weekday must be left outside the weekend, else
    /// `None`.
    #[must_use]
    pub fn new(name: String, weekend: [bool; 7], mut holidays: Vec<Day>) -> Option<Self> {
        if weekend.iter().all(|off| *off) {
            return None;
        }
        holidays.retain(|day| !weekend[day.weekday()]);
        holidays.sort_unstable();
        holidays.dedup();
        Some(Self { name, weekend, holidays })
    }

    /// The name that passes refer to.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ordinal of a day among business days: how many lie in (epoch, day], negative before the epoch.
    ///
    /// A day off has the ordinal of the last business day before it, so what is posted on a Sunday
    /// counts as posted on Friday. The distance of two days in business days is the difference of their
    /// ordinals.
    #[must_use]
    pub fn ordinal(&self, day: Day) -> i32 {
        let number = day.number();
        let open_week: i32 = self.weekend.iter().map(|off| i32::from(!off)).sum();
        let weeks = number.div_euclid(7);
        // Days after the last whole week from the epoch, which was a Thursday.
        let rest = (weeks * 7 + 1..=number).filter(|n| !self.weekend[Day::from_number(*n).weekday()]).count();
        let before = self.holidays.partition_point(|holiday| *holiday <= day);
        let at_epoch = self.holidays.partition_point(|holiday| *holiday <= Day::from_number(0));
        let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        weeks * open_week + count(rest) - (count(before) - count(at_epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::from(text.parse::<jiff::civil::Date>().unwrap())
    }

    fn bank() -> Calendar {
        let weekend = [false, false, false, false, false, true, true];
        Calendar::new("bank".into(), weekend, vec![day("2026-12-25"), day("2026-12-26")]).unwrap()
    }

    #[test]
    fn weekends_and_holidays_do_not_count() {
        for (from, to, distance) in [
            ("2026-03-06", "2026-03-09", 1),  // Friday to Monday
            ("2026-03-06", "2026-03-08", 0),  // Friday to Sunday
            ("2026-12-24", "2026-12-28", 1),  // over Christmas on a Friday
            ("2026-03-09", "2026-03-06", -1), // backwards
            ("1969-12-30", "1970-01-02", 3),  // over the epoch
            ("2026-01-01", "2027-01-01", 260),
        ] {
            let calendar = bank();
            assert_eq!(calendar.ordinal(day(to)) - calendar.ordinal(day(from)), distance, "{from} {to}");
        }
    }

    #[test]
    fn a_week_without_business_days_is_refused() {
        assert_eq!(Calendar::new("none".into(), [true; 7], vec![]), None);
    }
}
