//! Days between rows that belong together.

use recon_domain::{Calendar, Day};
use serde_json::{Value, json};

use super::PAIRS_MIN;

/// The most days that two rows of a pair may be apart.
pub(crate) const DAYS_MAX: i32 = 60;
/// Days without any pair after which a later pair is taken for an exception.
const GAP_DAYS_MAX: i32 = 3;
/// The name of the calendar of working days.
pub(crate) const WORKING: &str = "working days";

/// How many days the right row may be before and after the left one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Days {
    pub(crate) before: i32,
    pub(crate) after: i32,
    /// Whether only working days count.
    pub(crate) working: bool,
}

/// The days of the left and the right row of a pair.
pub(crate) type Pair = (i32, i32);

impl Days {
    /// The days around what is usual that all pairs keep to but for so many of a hundred at each end. They are working days
    /// where that makes the range clearly shorter: what is booked on a Monday was paid on a Friday.
    pub(crate) fn of(pairs: &[Pair], exceptions_percent: usize) -> Option<Self> {
        Self::around_usual(pairs, pairs, exceptions_percent)
    }

    /// The same where only `sure` pairs tell what is usual; all pairs tell how far from that others are.
    pub(crate) fn around_usual(sure: &[Pair], all: &[Pair], exceptions_percent: usize) -> Option<Self> {
        let calendar =
            Calendar::new(WORKING.to_owned(), [false, false, false, false, false, true, true], Vec::new())?;
        let ordinal = |day: i32| calendar.ordinal(Day::from_number(day));
        let lags = |pairs: &[Pair]| pairs.iter().map(|(left, right)| right.saturating_sub(*left)).collect();
        let working_lags = |pairs: &[Pair]| {
            pairs.iter().map(|(left, right)| ordinal(*right).saturating_sub(ordinal(*left))).collect()
        };
        let days = Self::range(lags(sure), lags(all), exceptions_percent)?;
        let working = Self::range(working_lags(sure), working_lags(all), exceptions_percent)?;
        let working = Self { working: true, ..working };
        let is_shorter = (working.before + working.after) * 4 <= (days.before + days.after) * 3;
        Some(if is_shorter { working } else { days })
    }

    /// With room for a holiday, where working days are counted: which days were holidays is not known.
    pub(crate) fn with_holiday(self) -> Self {
        let more = |days: i32| if self.working && days > 0 { days + 1 } else { days };
        Self { before: more(self.before), after: more(self.after), ..self }
    }

    fn range(sure: Vec<i32>, all: Vec<i32>, exceptions_percent: usize) -> Option<Self> {
        let sorted = |mut lags: Vec<i32>| {
            lags.retain(|lag| lag.abs() <= DAYS_MAX);
            lags.sort_unstable();
            lags
        };
        let (sure, all) = (sorted(sure), sorted(all));
        // Two pairs that happen to be far apart would make a window for all.
        if sure.len() < PAIRS_MIN {
            return None;
        }
        let usual = *sure.get(sure.len() / 2)?;
        let cut = all.len() * exceptions_percent / 100;
        let (before, after) = all.split_at(all.partition_point(|lag| *lag < usual));
        let last = reach(usual, after.get(..after.len().saturating_sub(cut))?.iter());
        let first = reach(usual, before.get(cut.min(before.len())..)?.iter().rev());
        Some(Self { before: first.min(0).abs(), after: last.max(0), working: false })
    }

    /// So many days in both directions.
    pub(crate) const fn around(days: i32) -> Self {
        Self { before: days, after: days, working: false }
    }

    /// With as many days more as may be without any pair.
    pub(crate) fn widened(self) -> Self {
        let more = |days: i32| (days + GAP_DAYS_MAX).min(DAYS_MAX);
        Self { before: more(self.before), after: more(self.after), ..self }
    }

    pub(crate) fn to_json(self) -> Value {
        let mut within = json!({ "column": "date", "days_before": self.before, "days_after": self.after });
        if self.working {
            within["calendar"] = json!(WORKING);
        }
        within
    }

    pub(crate) fn text(self) -> String {
        let days = if self.working { "working days" } else { "days" };
        match (self.before, self.after) {
            (0, 0) => "on the same day".to_owned(),
            (0, after) => format!("up to {after} {days} later"),
            (before, 0) => format!("up to {before} {days} earlier"),
            (before, after) => format!("from {before} {days} earlier to {after} later"),
        }
    }
}

/// The last of these lags before a gap.
fn reach<'l>(usual: i32, lags: impl Iterator<Item = &'l i32>) -> i32 {
    let mut edge = usual;
    for lag in lags {
        if (lag - edge).abs() > GAP_DAYS_MAX {
            break;
        }
        edge = *lag;
    }
    edge
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs that are so many days apart, from a Monday on.
    fn apart(lags: &[i32]) -> Vec<Pair> {
        lags.iter().map(|lag| (4, 4 + lag)).collect()
    }

    #[test]
    fn days_are_those_that_most_pairs_keep_to() {
        let check = |lags: &[i32], before: i32, after: i32| {
            let range = Days::range(lags.to_vec(), lags.to_vec(), 1);
            assert_eq!(range, Some(Days { before, after, working: false }), "{lags:?}");
        };
        check(&[0, 0, 1, 2, 3, -1], 1, 3);
        check(&[0, 0, 0, 1, 2, 3, 14, 20], 0, 3);
        check(&[30, 31, 32, 29], 0, 32);
        check(&[0, 0, 0], 0, 0);
        let mut many = vec![0; 300];
        many.extend([3, 3, 3, 5]);
        check(&many, 0, 3);
        assert_eq!(Days::of(&[], 1), None);
        assert_eq!(Days::of(&apart(&[4000, 4000, 4000]), 1), None);
    }

    #[test]
    fn a_few_pairs_say_nothing_about_the_days_of_others() {
        assert_eq!(Days::of(&apart(&[31]), 1), None);
        assert_eq!(Days::of(&apart(&[31, 31]), 1), None);
        let three = Days { before: 0, after: 2, working: false };
        assert_eq!(Days::of(&apart(&[2, 2, 2]), 1), Some(three));
        let rents = apart(&[2, 2, 2, 1, 4, 28, 31, -29, -27]);
        let around = Days { before: 0, after: 4, working: false };
        assert_eq!(Days::around_usual(&rents[..3], &rents, 1), Some(around), "another month is too far");
    }

    #[test]
    fn working_days_are_used_where_weekends_explain_the_range() {
        // From Monday to Friday, each to the next working day.
        let week: Vec<Pair> = (4..9).map(|day| (day, if day == 8 { 11 } else { day + 1 })).collect();
        assert_eq!(Days::of(&week, 1), Some(Days { before: 0, after: 1, working: true }));
        // Two days later, whatever day that is.
        let always: Vec<Pair> = (4..11).map(|day| (day, day + 2)).collect();
        assert_eq!(Days::of(&always, 1), Some(Days { before: 0, after: 2, working: false }));
    }
}
