//! A tolerance as a range of numbers.

use recon_domain::{Allowance, Calendar, Day, Decimal, Tolerance, Within};

use crate::Deviation;
use crate::input::{Input, LEFT, RIGHT};

/// The most days between the first and the last date for which business days are worked out ahead.
const DAYS_AHEAD_MAX: i32 = 100_000;

/// A tolerance: which right values a left value allows.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    pub(crate) role: usize,
    reach: Reach<'a>,
}

#[derive(Debug)]
enum Reach<'a> {
    Number { below: Allowed, above: Allowed },
    Days { before: i32, after: i32, count: Count<'a> },
}

/// How days are counted.
#[derive(Debug)]
enum Count<'a> {
    Calendar,
    Business { calendar: &'a Calendar, first: i32, ordinals: Vec<i32> },
}

/// An allowance in units of the role's column. Below zero is none.
#[derive(Debug)]
struct Allowed {
    absolute: i128,
    /// The percentage as a fraction.
    part: u128,
    whole: u128,
}

impl<'a> Window<'a> {
    pub(super) fn new(input: &Input<'a>, within: &'a Within) -> Self {
        let role = within.role.index();
        let reach = match &within.tolerance {
            Tolerance::Amount { below, above } => {
                let scale = match input.column(LEFT, role) {
                    crate::Column::Number { scale, .. } => *scale,
                    _ => 0,
                };
                Reach::Number { below: Allowed::new(below, scale), above: Allowed::new(above, scale) }
            }
            Tolerance::Days { before, after, calendar } => Reach::Days {
                before: i32::from(*before),
                after: i32::from(*after),
                count: calendar.map_or(Count::Calendar, |number| {
                    Count::business(&input.rules.calendars[number], input, role)
                }),
            },
        };
        Self { role, reach }
    }

    /// Where a cell lies on the axis of this tolerance; `None` when it is empty.
    pub(crate) fn value(&self, input: &Input<'_>, side: usize, entry: usize) -> Option<i128> {
        let column = input.column(side, self.role);
        match &self.reach {
            Reach::Number { .. } => column.number(entry),
            Reach::Days { count, .. } => column.day(entry).map(|day| i128::from(count.ordinal(day))),
        }
    }

    /// The least and the most that the right value may be.
    pub(crate) fn range(&self, left: i128) -> (i128, i128) {
        match &self.reach {
            Reach::Number { below, above } => {
                (left.saturating_sub(below.of(left)), left.saturating_add(above.of(left)))
            }
            Reach::Days { before, after, .. } => (left - i128::from(*before), left + i128::from(*after)),
        }
    }

    /// Whether the cells of two entries are within the tolerance of each other.
    #[inline]
    pub(crate) fn holds(&self, input: &Input<'_>, [left, right]: [usize; 2]) -> bool {
        let (a, b) = (input.column(LEFT, self.role), input.column(RIGHT, self.role));
        match &self.reach {
            Reach::Number { .. } => a.number(left).zip(b.number(right)).is_some_and(|(left, right)| {
                let (least, most) = self.range(left);
                least <= right && right <= most
            }),
            Reach::Days { before, after, count } => {
                a.day(left).zip(b.day(right)).is_some_and(|(left, right)| {
                    let apart = i64::from(count.ordinal(right)) - i64::from(count.ordinal(left));
                    -i64::from(*before) <= apart && apart <= i64::from(*after)
                })
            }
        }
    }

    /// How far right is from left.
    pub(crate) fn deviation(&self, left: i128, right: i128) -> Deviation {
        let difference = right.saturating_sub(left);
        match &self.reach {
            Reach::Number { .. } => Deviation::Number(difference),
            Reach::Days { .. } => Deviation::Days(days(difference)),
        }
    }

    /// Days before and after, if it is days that count.
    pub(crate) fn days(&self) -> Option<(i32, i32)> {
        match &self.reach {
            Reach::Number { .. } => None,
            Reach::Days { before, after, .. } => Some((*before, *after)),
        }
    }
}

/// A difference of days as it is reported.
pub(crate) fn days(difference: i128) -> i32 {
    i32::try_from(difference).unwrap_or(if difference < 0 { i32::MIN } else { i32::MAX })
}

impl<'a> Count<'a> {
    fn business(calendar: &'a Calendar, input: &Input<'_>, role: usize) -> Self {
        let entries = [LEFT, RIGHT].map(|side| 0..input.tables[side].len());
        let days = || {
            let sides = [LEFT, RIGHT].into_iter().zip(entries.clone());
            sides.flat_map(|(side, range)| range.filter_map(move |entry| input.column(side, role).day(entry)))
        };
        let (first, last) = days().fold((i32::MAX, i32::MIN), |(a, b), day| (a.min(day), b.max(day)));
        let ahead = if last.saturating_sub(first) > DAYS_AHEAD_MAX { None } else { Some(first..=last) };
        let days = ahead.into_iter().flatten().map(Day::from_number);
        let ordinals = days.map(|day| calendar.ordinal(day)).collect();
        Self::Business { calendar, first, ordinals }
    }

    fn ordinal(&self, day: i32) -> i32 {
        match self {
            Self::Calendar => day,
            Self::Business { calendar, first, ordinals } => {
                let known = day.checked_sub(*first).and_then(|at| usize::try_from(at).ok());
                match known.and_then(|at| ordinals.get(at)) {
                    Some(ordinal) => *ordinal,
                    None => calendar.ordinal(Day::from_number(day)),
                }
            }
        }
    }
}

impl Allowed {
    fn new(allowance: &Allowance, scale: u8) -> Self {
        let absolute = units_at_most(allowance.absolute, scale).max(0);
        let percent = allowance.percent.units().max(0).unsigned_abs();
        let whole = 100 * 10_u128.pow(u32::from(allowance.percent.scale()));
        let common = greatest_common_divisor(percent, whole);
        Self { absolute, part: percent / common, whole: whole / common }
    }

    /// The wider of the two.
    fn of(&self, left: i128) -> i128 {
        if self.part == 0 {
            return self.absolute;
        }
        let share = share_of(left.unsigned_abs(), self.part, self.whole);
        self.absolute.max(i128::try_from(share).unwrap_or(i128::MAX))
    }
}

/// `number * part / whole`, rounded down; the largest number where the result is larger.
fn share_of(number: u128, part: u128, whole: u128) -> u128 {
    if let Some(product) = number.checked_mul(part) {
        return product / whole;
    }
    // number * part = (times * whole + rest) * part: what is left over is divided bit by bit.
    let (times, rest) = (number / whole, number % whole);
    let Some(share) = times.checked_mul(part) else { return u128::MAX };
    let (mut quotient, mut remainder) = (0_u128, 0_u128);
    for bit in (0..u128::BITS).rev() {
        quotient = quotient.saturating_mul(2);
        remainder *= 2;
        if part >> bit & 1 == 1 {
            remainder += rest;
        }
        quotient = quotient.saturating_add(remainder / whole);
        remainder %= whole;
    }
    share.saturating_add(quotient)
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b
}

/// A decimal in units of a scale, rounded down.
pub(super) fn units_at_most(decimal: Decimal, scale: u8) -> i128 {
    let power = |places: u8| 10_i128.pow(u32::from(places));
    if scale < decimal.scale() {
        return decimal.units().div_euclid(power(decimal.scale() - scale));
    }
    decimal.units().saturating_mul(power(scale - decimal.scale()))
}

/// A decimal in units of a scale, rounded up.
pub(super) fn units_at_least(decimal: Decimal, scale: u8) -> i128 {
    let down = units_at_most(decimal, scale);
    let exact = scale >= decimal.scale() || decimal.rescaled(scale).is_ok();
    if exact { down } else { down.saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_wider_allowance_counts_and_percent_rounds_down() {
        for (absolute, percent, left, allowed) in [
            ("0.02", "0", 100_000, 2),
            ("0.02", "0.1", 100_000, 100),
            ("0.02", "0.1", -1_999, 2),
            ("0", "0.1", 1_999, 1),
            ("0.019", "0", 5, 1),
            ("-1", "-1", 5, 0),
            ("0", "250", 10, 25),
        ] {
            let allowance = Allowance { absolute: decimal(absolute), percent: decimal(percent) };
            assert_eq!(Allowed::new(&allowance, 2).of(left), allowed, "{absolute} {percent}% of {left}");
        }
    }

    #[test]
    fn shares_of_large_numbers_are_exact() {
        let large = 10_u128.pow(27) - 1;
        assert_eq!(
            share_of(large, 10_u128.pow(12) + 1, 10_u128.pow(14)),
            10_u128.pow(25) + 9_999_999_999_999
        );
        assert_eq!(share_of(u128::MAX, 3, 1), u128::MAX);
        assert_eq!(share_of(u128::MAX, 3, 3), u128::MAX);
        assert_eq!(share_of(7, 3, 2), 10);
    }

    #[test]
    fn thresholds_between_two_units_round_to_the_safe_side() {
        for (text, scale, down, up) in
            [("0.005", 2, 0, 1), ("-0.005", 2, -1, 0), ("1.5", 2, 150, 150), ("2", 0, 2, 2)]
        {
            assert_eq!(units_at_most(decimal(text), scale), down, "{text}");
            assert_eq!(units_at_least(decimal(text), scale), up, "{text}");
        }
    }
}
