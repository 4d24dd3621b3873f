//! Recognised reasons for a difference. The rules stand in the README of the crate.

use recon_domain::{Cause, Condition, Currency, Day};
use std::collections::HashMap;

use super::Near;
use crate::Column;
use crate::evaluate::{Judge, Pair};
use crate::input::{LEFT, RIGHT};
use crate::number::index;

/// From so many pairs on, a difference that they share is no accident.
pub(crate) const CONSTANT_PAIRS_MIN: usize = 3;

/// How many places the decimal mark moves at most.
pub(crate) const SHIFTED_PLACES_MAX: u32 = 3;

/// A converted amount is off by at most one minor unit and this part of the amount: half of the fourth
/// decimal of a rate near one.
pub(crate) const FX_PART: u128 = 20_000;

/// How many days two sides of a month's end are apart at most.
pub(crate) const CUT_OFF_DAYS_MAX: u32 = 10;

/// A failed condition with the two values that it compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Units at the role's scale.
    Amounts {
        currency: Currency,
        left: i128,
        right: i128,
        minor_unit: u128,
    },
    Days {
        left: i32,
        right: i32,
    },
}

/// How many pairs differ by the same amount in the same currency, and in nothing else.
#[derive(Debug, Default)]
pub(super) struct Constants(HashMap<(Currency, i128), usize>);

impl Gap {
    /// The values behind a failed condition; `None` if they are texts, or one is empty, or the pair has
    /// no common currency to compare amounts in.
    pub(super) fn of(judge: &Judge<'_>, pair: Pair, condition: Condition) -> Option<Self> {
        let pass = judge.plan.pass;
        let role = match condition {
            Condition::Equal(number) => pass.equal[usize::from(number)],
            Condition::Within(number) => pass.within[usize::from(number)].role,
            Condition::Currency | Condition::Similar(_) | Condition::Filter(_) => return None,
        };
        let input = judge.input;
        let entries = [index(pair.left), index(pair.right)];
        let columns = [LEFT, RIGHT].map(|side| input.column(side, role.index()));
        if let Some((left, right)) = columns[LEFT].day(entries[LEFT]).zip(columns[RIGHT].day(entries[RIGHT]))
        {
            return Some(Self::Days { left, right });
        }
        let Column::Number { scale, .. } = columns[LEFT] else { return None };
        let currency = input.currency(LEFT, pair.left);
        if currency != input.currency(RIGHT, pair.right) {
            return None;
        }
        let (left, right) = columns[LEFT].number(entries[LEFT]).zip(columns[RIGHT].number(entries[RIGHT]))?;
        let minor_unit = 10_u128.pow(u32::from(scale.saturating_sub(currency.exponent())));
        Some(Self::Amounts { currency, left, right, minor_unit })
    }
}

impl Constants {
    /// Counts the pairs that fail by an amount and by nothing else, each once.
    pub(super) fn of<'a>(judges: &[Judge<'_>], near: impl Iterator<Item = &'a Near>) -> Self {
        let mut pairs: Vec<(Currency, i128, (u32, u32))> = near
            .filter(|near| near.failed.len() == 1)
            .filter_map(|near| {
                let gap = Gap::of(&judges[usize::from(near.pass)], near.pair, near.failed[0].condition)?;
                match gap {
                    Gap::Amounts { currency, left, right, .. } => {
                        Some((currency, right.saturating_sub(left), (near.pair.left, near.pair.right)))
                    }
                    Gap::Days { .. } => None,
                }
            })
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut counts = HashMap::new();
        for (currency, difference, _) in pairs {
            *counts.entry((currency, difference)).or_insert(0) += 1;
        }
        Self(counts)
    }
}

/// The first cause that explains one of the gaps.
pub(super) fn cause(mut gaps: impl Iterator<Item = Gap>, constants: &Constants) -> Option<Cause> {
    gaps.find_map(|gap| match gap {
        Gap::Amounts { currency, left, right, minor_unit } => {
            let shared = constants.0.get(&(currency, right.saturating_sub(left))).copied().unwrap_or(0);
            of_amounts(left, right, minor_unit, shared)
        }
        Gap::Days { left, right } => is_cut_off(left, right).then_some(Cause::CutOff),
    })
}

fn of_amounts(left: i128, right: i128, minor_unit: u128, shared: usize) -> Option<Cause> {
    let difference = left.abs_diff(right);
    let rounding = minor_unit.saturating_add(left.unsigned_abs() / FX_PART);
    match () {
        () if difference == 0 => None,
        () if left.checked_neg() == Some(right) => Some(Cause::SignFlipped),
        () if left.signum() == right.signum() && are_transposed(left, right) => Some(Cause::DigitsTransposed),
        () if is_shifted(left, right) => Some(Cause::DecimalShifted),
        () if difference > minor_unit && shared >= CONSTANT_PAIRS_MIN => Some(Cause::ConstantDifference),
        () if difference <= rounding => Some(Cause::FxRounding),
        () => None,
    }
}

/// Whether the digits are the same but for two neighbours that changed places.
fn are_transposed(left: i128, right: i128) -> bool {
    let [left, right] = [left, right].map(|units| units.unsigned_abs().to_string().into_bytes());
    let Some(first) = left.iter().zip(&right).position(|(a, b)| a != b) else { return false };
    left.len() == right.len()
        && first + 1 < left.len()
        && (left[first], left[first + 1]) == (right[first + 1], right[first])
        && left[first + 2..] == right[first + 2..]
}

/// Whether one is the other times a power of ten.
fn is_shifted(left: i128, right: i128) -> bool {
    let times = |number: i128, places: u32| number.checked_mul(10_i128.pow(places));
    (1..=SHIFTED_PLACES_MAX)
        .any(|places| times(left, places) == Some(right) || times(right, places) == Some(left))
}

/// Whether the days lie in different months, and close to each other.
fn is_cut_off(left: i32, right: i32) -> bool {
    let month = |day: i32| {
        let text = Day::from_number(day).to_string();
        text.rfind('-').map(|end| text[..end].to_owned())
    };
    left.abs_diff(right) <= CUT_OFF_DAYS_MAX && month(left) != month(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_name_the_first_cause_that_explains_them() {
        for (left, right, shared, cause) in [
            (12_345, -12_345, 0, Some(Cause::SignFlipped)),
            (12_345, 13_245, 0, Some(Cause::DigitsTransposed)),
            (-1_250, -1_520, 0, Some(Cause::DigitsTransposed)),
            (12_345, 12_354, 0, Some(Cause::DigitsTransposed)),
            (12_345, 13_254, 0, None),
            (12_345, 1_234_500, 0, Some(Cause::DecimalShifted)),
            (-500, -50, 0, Some(Cause::DecimalShifted)),
            (500, 5_000_000, 0, None),
            (12_345, 12_310, 3, Some(Cause::ConstantDifference)),
            (12_345, 12_310, 2, None),
            (12_345, 12_346, 9, Some(Cause::FxRounding)),
            (1_000_000, 1_000_051, 0, Some(Cause::FxRounding)),
            (1_000_000, 1_000_052, 0, None),
            (5, 5, 9, None),
            (i128::MIN + 1, i128::MAX, 0, Some(Cause::SignFlipped)),
        ] {
            assert_eq!(of_amounts(left, right, 1, shared), cause, "{left} {right} {shared}");
        }
    }

    #[test]
    fn dates_on_the_two_sides_of_a_month_are_across_the_cut_off() {
        let february_28 = 20_512;
        for (left, right, across) in [
            (february_28, february_28 + 1, true),
            (february_28 + 2, february_28 - 3, true),
            (february_28, february_28 + 11, false),
            (february_28 + 1, february_28 + 9, false),
        ] {
            assert_eq!(is_cut_off(left, right), across, "{left} {right}");
        }
    }
}
