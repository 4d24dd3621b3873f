//! The days on which the bank books.

use jiff::civil::{Date, Weekday, date};

/// The first and the last day of both files.
pub(super) const FIRST: Date = date(2026, 3, 1);
pub(super) const LAST: Date = date(2026, 5, 31);

/// Good Friday, Easter Monday, the first of May.
const HOLIDAYS: [Date; 3] = [date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1)];

/// Whether the bank books on this day.
pub(super) fn is_business_day(day: Date) -> bool {
    let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    !weekend && !HOLIDAYS.contains(&day)
}

/// All days on which the bank books.
pub(super) fn business_days() -> Vec<Date> {
    FIRST
        .series(jiff::Span::new().days(1))
        .take_while(|day| *day <= LAST)
        .filter(|day| is_business_day(*day))
        .collect()
}

/// The day itself if the bank books on it, else the next one on which it does.
pub(super) fn on_or_after(day: Date) -> Date {
    let mut day = day;
    while !is_business_day(day) {
        day = day.saturating_add(jiff::Span::new().days(1));
    }
    day
}

/// This many business days later.
pub(super) fn later(day: Date, count: i64) -> Date {
    let mut day = on_or_after(day);
    for _ in 0..count {
        day = on_or_after(day.saturating_add(jiff::Span::new().days(1)));
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_and_weekends_are_skipped() {
        assert_eq!(later(date(2026, 4, 2), 1), date(2026, 4, 7));
        assert_eq!(on_or_after(date(2026, 3, 1)), date(2026, 3, 2));
        assert_eq!(business_days().len(), 62);
    }
}
