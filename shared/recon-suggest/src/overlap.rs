//! Values that occur on both sides.

use std::collections::HashMap;
use std::hash::Hash;

use crate::score::{SCORE_MAX, Score, share_of};

/// How often each value of one side occurs, and where first.
#[derive(Debug)]
pub(crate) struct Counted<K> {
    /// Rows that have a value.
    rows: usize,
    values: HashMap<K, (u32, usize)>,
}

impl<K: Eq + Hash> Counted<K> {
    pub(crate) fn of(values: impl Iterator<Item = Option<K>>) -> Self {
        let mut counted = Self { rows: 0, values: HashMap::new() };
        for (row, value) in values.enumerate() {
            let Some(value) = value else { continue };
            counted.rows += 1;
            counted.values.entry(value).or_insert((0, row)).0 += 1;
        }
        counted
    }
}

/// What two columns share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Overlap {
    /// Different values that both have.
    pub(crate) shared: usize,
    /// Rows that have a value, on the side that has fewer of them.
    pub(crate) rows: usize,
    /// Pairs of rows whose value occurs once on each side, by left row.
    pub(crate) links: Vec<Link>,
}

/// A left and a right row.
pub(crate) type Link = (usize, usize);

impl Overlap {
    pub(crate) fn of<K: Eq + Hash>(left: &Counted<K>, right: &Counted<K>) -> Self {
        let mut overlap = Self { rows: left.rows.min(right.rows), ..Self::default() };
        for (value, (count, row)) in &left.values {
            let Some((other_count, other_row)) = right.values.get(value) else { continue };
            overlap.shared += 1;
            if (*count, *other_count) == (1, 1) {
                overlap.links.push((*row, *other_row));
            }
        }
        overlap.links.sort_unstable();
        overlap
    }

    /// How much the columns share: each value counts once however often it occurs, so that what repeats
    /// (a customer, a flat fee) counts for little.
    pub(crate) fn share(&self) -> Score {
        share_of(self.shared, self.rows)
    }

    /// Whether both lead from the same left rows to the same right rows, as far as both know them.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let known: HashMap<usize, usize> = other.links.iter().copied().collect();
        let both = self.links.iter().filter_map(|(left, right)| Some(known.get(left)? == right));
        let (same, all) = both.fold((0, 0), |(same, all), is_same| (same + usize::from(is_same), all + 1));
        all > 0 && share_of(same, all) >= SAME_MIN
    }
}

/// The share of common rows that must lead to the same partner for two ways to be as good as one.
const SAME_MIN: Score = SCORE_MAX / 100 * 95;

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(values: &[&'static str]) -> Counted<&'static str> {
        Counted::of(values.iter().map(|value| (!value.is_empty()).then_some(*value)))
    }

    #[test]
    fn a_value_that_repeats_counts_once_and_links_nothing() {
        let overlap = Overlap::of(&counted(&["a", "b", "b", "", "c"]), &counted(&["b", "c", "a", "c", "x"]));
        assert_eq!((overlap.shared, overlap.rows, overlap.share()), (3, 4, 7_500));
        assert_eq!(overlap.links, [(0, 2)]);
    }

    #[test]
    fn nothing_shares_nothing() {
        let overlap = Overlap::of(&counted(&[]), &counted(&["a"]));
        assert_eq!((overlap.share(), overlap.links.len()), (0, 0));
    }
}
