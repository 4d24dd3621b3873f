//! Tolerances, from the differences of pairs that belong together for other reasons.

mod days;

use std::collections::BTreeMap;

use recon_domain::Decimal;
use recon_engine::Match;

use crate::score::{Score, share_of};
use crate::trial::Ran;
pub(crate) use days::{DAYS_MAX, Days, Pair, WORKING};

/// Of a hundred pairs, so many may be exceptions at each end.
pub(crate) const EXCEPTIONS_PERCENT: usize = 1;
/// The same for the days that are usual where amounts differ: the nearest amount is then not always the right one.
const FEE_EXCEPTIONS_PERCENT: usize = 10;
/// The fewest pairs from which a tolerance is taken.
const PAIRS_MIN: usize = 3;
/// Differences up to this many hundredths are rounding.
const ROUNDING_MAX: i128 = 5;
/// The fewest pairs from which a fee is taken.
const FEE_PAIRS_MIN: usize = 5;
/// The share of them that must differ in the same direction.
const FEE_DIRECTION_MIN: Score = 9_000;
/// The greatest fee, in percent.
pub(crate) const FEE_PERCENT_MAX: i128 = 5;
/// Millionths of one percent.
const PERCENT: i128 = 10_000;

/// A pair whose amounts differ.
#[derive(Debug, Clone)]
struct Different<'r> {
    /// Right minus left, in units.
    by: i128,
    /// The same in millionths of the left amount.
    part: i128,
    days: Option<Pair>,
    /// The left text by which pairs are told apart.
    words: Option<&'r str>,
}

/// A difference that is usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fee {
    /// The field of the tolerance: `above` or `below`.
    pub(crate) direction: &'static str,
    /// The percentage, as rules write it.
    pub(crate) percent: String,
    /// The days that nearly all of them keep to.
    pub(crate) usual: Days,
    /// The days that all but single ones keep to.
    pub(crate) days: Days,
    /// How many pairs show it.
    pub(crate) pairs: usize,
    /// The left text that all of them have; `None` where it is not one.
    pub(crate) of: Option<String>,
}

/// What the pairs of some passes differ by.
pub(crate) struct Differences<'r> {
    all: Vec<Different<'r>>,
    /// Units of one hundredth.
    hundredth: i128,
    scale: u8,
}

impl<'r> Differences<'r> {
    pub(crate) fn of(ran: &'r Ran, passes: &[&str], words: Option<&str>) -> Self {
        let scale = ran.amount_scale();
        let different = |found: &'r Match| {
            let by = found.variance.amount.filter(|by| *by != 0)?;
            let left = ran.left_amount(found).filter(|left| *left != 0)?;
            let part = by.checked_mul(100 * PERCENT)? / left.abs();
            let words = words.and_then(|role| ran.left_text(found, role));
            Some(Different { by, part, days: ran.days(found), words })
        };
        let found = passes.iter().flat_map(|pass| ran.matches_of(pass)).filter_map(different);
        let hundredth = 10_i128.checked_pow(u32::from(scale.saturating_sub(2))).unwrap_or(1);
        Self { all: found.collect(), hundredth, scale }
    }

    fn is_rounding(&self, different: &Different<'_>) -> bool {
        self.scale >= 2 && different.by.abs() <= self.hundredth * ROUNDING_MAX
    }

    /// The largest difference that is rounding, if there is such a thing, and how many pairs show it.
    pub(crate) fn rounding(&self) -> Option<(String, usize)> {
        let rounded = || self.all.iter().filter(|different| self.is_rounding(different));
        let most = rounded().map(|different| different.by.abs()).max()?;
        let pairs = rounded().count();
        (pairs >= PAIRS_MIN).then(|| (Decimal::units_text(most, self.scale), pairs))
    }

    /// Fees: first of single texts, then of what is left together.
    pub(crate) fn fees(&self) -> Vec<Fee> {
        let large: Vec<&Different<'_>> =
            self.all.iter().filter(|different| !self.is_rounding(different)).collect();
        let mut by_words: BTreeMap<Option<&str>, Vec<&Different<'_>>> = BTreeMap::new();
        for different in &large {
            by_words.entry(different.words).or_default().push(different);
        }
        let mut fees = Vec::new();
        let mut rest: Vec<&Different<'_>> = Vec::new();
        for (words, group) in by_words {
            match (words, fee(&group)) {
                (Some(words), Some(fee)) => fees.push(Fee { of: Some(words.to_owned()), ..fee }),
                (_, _) => rest.extend(group),
            }
        }
        fees.sort_by_key(|fee| std::cmp::Reverse(fee.pairs));
        fees.extend(fee(&rest));
        fees
    }
}

/// The fee that these pairs show, if nearly all differ in one direction and by about the same part.
fn fee(group: &[&Different<'_>]) -> Option<Fee> {
    if group.len() < FEE_PAIRS_MIN {
        return None;
    }
    let above = group.iter().filter(|different| different.by > 0).count();
    let is_above = above * 2 > group.len();
    let most = if is_above { above } else { group.len() - above };
    if share_of(most, group.len()) < FEE_DIRECTION_MIN {
        return None;
    }
    let fitting: Vec<&&Different<'_>> =
        group.iter().filter(|different| (different.by > 0) == is_above).collect();
    let mut parts: Vec<i128> = fitting.iter().map(|different| different.part.abs()).collect();
    parts.sort_unstable();
    let at = |percent: usize| parts.get((parts.len() - 1) * percent / 100).copied();
    let (low, middle, high) = (at(10)?, at(50)?, at(90)?);
    // What is spread widely is no rate; it is the rows of others.
    if high - low > middle {
        return None;
    }
    // A tenth of a percent above what is seen, so that rounding does not decide.
    let tenths = high * 10 / PERCENT + 1;
    // Rows that were put together only since their amounts are nearer have another rate, and other days.
    let is_typical = |different: &&&&Different<'_>| (different.part.abs() - middle).abs() * 4 <= middle;
    let pairs: Vec<Pair> = fitting.iter().filter(is_typical).filter_map(|different| different.days).collect();
    let usual = Days::of(&pairs, FEE_EXCEPTIONS_PERCENT).unwrap_or_default();
    let days = Days::of(&pairs, EXCEPTIONS_PERCENT).unwrap_or_default();
    Some(Fee {
        direction: if is_above { "above" } else { "below" },
        percent: format!("{}.{}", tenths / 10, tenths % 10),
        usual,
        days: days.with_holiday(),
        pairs: fitting.len(),
        of: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn different(by: i128, part: i128, words: Option<&str>) -> Different<'_> {
        Different { by, part, days: Some((4, 5)), words }
    }

    #[test]
    fn a_fee_is_a_part_that_many_pairs_have_in_common() {
        let cards = (0..8).map(|n| different(900 + n, 9_000 + n * 10, Some("CARDS")));
        let others = [different(5_000, 40_000, Some("A")), different(-700, -100, Some("B"))];
        let rounded = (0..3).map(|n| different(1 - 2 * (n % 2), 1, None));
        let all = cards.chain(others).chain(rounded).collect();
        let differences = Differences { all, hundredth: 1, scale: 2 };
        assert_eq!(differences.rounding(), Some(("0.01".to_owned(), 3)));
        let fees = differences.fees();
        assert_eq!(fees.len(), 1, "{fees:?}");
        assert_eq!(
            (fees[0].of.as_deref(), fees[0].percent.as_str(), fees[0].direction),
            (Some("CARDS"), "1.0", "above")
        );
    }

    #[test]
    fn what_differs_in_both_directions_or_widely_is_no_fee() {
        let both: Vec<_> =
            (0..10).map(|n| different(if n % 2 == 0 { 500 } else { -500 }, 9_000, None)).collect();
        let wide: Vec<_> = (1..=10).map(|n| different(500, n * 4_000, None)).collect();
        for group in [both, wide] {
            let group: Vec<&Different<'_>> = group.iter().collect();
            assert_eq!(fee(&group), None);
        }
    }
}
