//! Whether rows that share a value also agree in something else, more often than by chance.

use recon_domain::Measure;
use recon_engine::text::likeness;
use twox_hash::XxHash3_128;

use crate::columns::{Column, Columns};
use crate::overlap::Link;
use crate::read::{AS_WORDS, Preparer};
use crate::score::{SCORE_MAX, Score, share, share_of};

/// The most links that are tested, spread over all.
const LINKS_TESTED_MAX: usize = 200;
/// Fewer links say nothing for certain.
pub(crate) const LINKS_MIN: usize = 20;
/// Days that belong together are at most so far from what is usual between them.
const DAYS_APART_MAX: u32 = 10;
/// The likeness from which two texts speak of the same.
const ALIKE_MIN: Score = 6_000;
/// The most pairs of columns that are tested.
const WITNESSES_MAX: usize = 60;
/// Above this share by chance, agreement says nothing.
const CHANCE_MAX: Score = 8_000;

/// How often linked rows agree, and how often rows do that were put together at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Agreement {
    pub(crate) observed: Score,
    pub(crate) chance: Score,
}

impl Agreement {
    /// Compares the links with the same rows in another order.
    pub(crate) fn of(links: &[Link], agree: impl Fn(usize, usize) -> bool) -> Self {
        let step = links.len().div_ceil(LINKS_TESTED_MAX).max(1);
        let tested: Vec<Link> = links.iter().copied().step_by(step).collect();
        if tested.len() < 2 {
            return Self::default();
        }
        let observed = tested.iter().filter(|(left, right)| agree(*left, *right)).count();
        let by_chance =
            mixed(tested.len()).zip(&tested).filter(|(other, (left, _))| agree(*left, tested[*other].1));
        Self { observed: share_of(observed, tested.len()), chance: share_of(by_chance.count(), tested.len()) }
    }

    /// What of the room that chance leaves is agreement; `None` where chance leaves none.
    pub(crate) fn lift(self) -> Option<Score> {
        let room = SCORE_MAX - self.chance;
        let gain = self.observed.saturating_sub(self.chance);
        (self.chance <= CHANCE_MAX).then(|| share(u64::from(gain), u64::from(room)))
    }
}

/// The numbers below `count`, each once and in an order that has nothing to do with any other, but is always the same.
pub(crate) fn mixed(count: usize) -> impl Iterator<Item = usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by_cached_key(|place| XxHash3_128::oneshot(&place.to_le_bytes()));
    places.into_iter()
}

/// The pair of columns that agrees best on some links.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    pub(crate) columns: [String; 2],
    pub(crate) agreement: Agreement,
    pub(crate) lift: Score,
}

/// Looks for the best witness among the columns that are not `taken`. `None` where there are too few links or
/// nothing that could agree.
pub(crate) fn witness(columns: &Columns<'_>, links: &[Link], taken: [&[usize]; 2]) -> Option<Witness> {
    if links.len() < LINKS_MIN {
        return None;
    }
    let [left, right] = &columns.sides;
    let free = |side: usize, column: &&Column| !taken[side].contains(&column.place);
    // What is compared quickly comes first, since the number of comparisons is limited.
    let kinds = [Column::is_day, Column::is_number, Column::is_text];
    let pairs = kinds.into_iter().flat_map(|is_kind| {
        let of = move |side: usize, column: &&Column| is_kind(column) && free(side, column);
        left.iter()
            .filter(move |column| of(0, column))
            .flat_map(move |a| right.iter().filter(move |column| of(1, column)).map(move |b| (a, b)))
    });
    let judged = pairs.take(WITNESSES_MAX).filter_map(|(a, b)| {
        let agreement = agreement(columns, links, a, b);
        let lift = agreement.lift()?;
        Some(Witness { columns: [a.name.clone(), b.name.clone()], agreement, lift })
    });
    judged.reduce(|best, other| if other.lift > best.lift { other } else { best })
}

/// How often linked rows agree in two columns: numbers but for the sign, days but for a few, texts about.
fn agreement(columns: &Columns<'_>, links: &[Link], left: &Column, right: &Column) -> Agreement {
    if left.is_number() {
        let size =
            |column: &Column, row: usize| column.numbers[row].map(i128::unsigned_abs).filter(|n| *n > 0);
        return Agreement::of(links, |a, b| {
            size(left, a).is_some_and(|size_a| Some(size_a) == size(right, b))
        });
    }
    if left.is_day() {
        let near = |a: &[Option<i32>], b: &[Option<i32>]| {
            let lag = median_lag(links, a, b);
            Agreement::of(links, |left, right| are_near(a[left], b[right], lag))
        };
        let orders = left.days.iter().flat_map(|a| right.days.iter().map(move |b| near(a, b)));
        return orders.max_by_key(|agreement| agreement.lift()).unwrap_or_default();
    }
    let words = Preparer::new(None, AS_WORDS);
    let text = |side: usize, column: &Column, row: usize| words.prepared(columns.cell(side, column, row));
    Agreement::of(links, |a, b| {
        let (a, b) = (text(0, left, a), text(1, right, b));
        !a.is_empty() && !b.is_empty() && likeness(Measure::TokenSet, &a, &b) >= ALIKE_MIN
    })
}

/// Whether two days may belong together where `lag` days between them are usual.
pub(crate) fn are_near(left: Option<i32>, right: Option<i32>, lag: i32) -> bool {
    left.zip(right).is_some_and(|(left, right)| right.saturating_sub(left).abs_diff(lag) <= DAYS_APART_MAX)
}

/// How many days the right row of a link usually is after the left one.
pub(crate) fn median_lag(links: &[Link], left: &[Option<i32>], right: &[Option<i32>]) -> i32 {
    let lag = |(a, b): &Link| Some(right[*b]?.saturating_sub(left[*a]?));
    let mut lags: Vec<i32> = links.iter().filter_map(lag).collect();
    lags.sort_unstable();
    lags.get(lags.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_what_chance_does_not_explain() {
        let links: Vec<Link> = (0..100).map(|row| (row, row)).collect();
        let same = Agreement::of(&links, |a, b| a == b);
        assert_eq!((same.observed, same.lift()), (10_000, Some(10_000)));
        assert!(same.chance <= 500, "{same:?}");
        let always = Agreement::of(&links, |_, _| true);
        assert_eq!((always.chance, always.lift()), (10_000, None));
        let near = Agreement::of(&links, |a, b| a.abs_diff(b) <= 10);
        assert!((1_000..3_000).contains(&near.chance), "rows are in order: {near:?}");
        let never = Agreement::of(&links, |_, _| false);
        assert_eq!(never.lift(), Some(0));
        assert_eq!(Agreement::of(&links[..1], |_, _| true), Agreement::default());
    }

    #[test]
    fn mixing_meets_every_number_once() {
        for count in 0..200 {
            let mut all: Vec<usize> = mixed(count).collect();
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }
}
