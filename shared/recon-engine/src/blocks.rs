//! Blocks: classes of both sides that agree in the currency and in all that a pass wants equal.
//!
//! No candidate crosses a block. Blocks are gathered into partitions, which are worked on independently.

mod key;

use std::cmp::Ordering;

pub(crate) use key::keys;

use crate::number::index;

/// A class with the key of its block. Blocks have equal keys exactly if they are the same.
pub(crate) type Keyed = (u64, u32);

/// About how many classes a partition has, so that sorting one stays in a core's own cache.
const PARTITION_CLASSES: usize = 8_192;

/// The most partitions: more would spread the writes of [`scatter`] over too many places.
const PARTITIONS_MAX: usize = 1_024;

/// Classes of both sides, block by block.
#[derive(Debug)]
pub(crate) struct Partitions {
    sides: [Vec<Keyed>; 2],
    /// Where the partitions end on each side.
    ends: [Vec<usize>; 2],
}

/// The blocks of one partition, not yet in order.
#[derive(Debug)]
pub(crate) struct Partition<'a> {
    pub(crate) left: &'a mut [Keyed],
    pub(crate) right: &'a mut [Keyed],
}

/// The classes of one block, each side in content order; neither is empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) left: &'a [Keyed],
    pub(crate) right: &'a [Keyed],
}

impl Partitions {
    /// Spreads classes over partitions by their keys. Each side is given in content order.
    pub(crate) fn of(sides: [Vec<Keyed>; 2]) -> Self {
        let wanted = (sides[0].len() + sides[1].len()).div_ceil(PARTITION_CLASSES);
        let count = wanted.next_power_of_two().min(PARTITIONS_MAX);
        let [left, right] = sides;
        let ((left, left_ends), (right, right_ends)) =
            rayon::join(|| scatter(left, count), || scatter(right, count));
        Self { sides: [left, right], ends: [left_ends, right_ends] }
    }

    /// The partitions, in an order that depends on keys alone.
    pub(crate) fn iter_mut(&mut self) -> Vec<Partition<'_>> {
        let [left, right] = &mut self.sides;
        let (mut left, mut right) = (left.as_mut_slice(), right.as_mut_slice());
        let mut partitions = Vec::with_capacity(self.ends[0].len());
        let mut done = [0, 0];
        for (left_end, right_end) in self.ends[0].iter().zip(&self.ends[1]) {
            let (left_part, left_rest) = left.split_at_mut(left_end - done[0]);
            let (right_part, right_rest) = right.split_at_mut(right_end - done[1]);
            partitions.push(Partition { left: left_part, right: right_part });
            (left, right, done) = (left_rest, right_rest, [*left_end, *right_end]);
        }
        partitions
    }
}

/// Sorts one side by partition, keeping the order within each; returns where each ends.
fn scatter(classes: Vec<Keyed>, count: usize) -> (Vec<Keyed>, Vec<usize>) {
    if count == 1 {
        let end = classes.len();
        return (classes, vec![end]);
    }
    let shift = u64::BITS - count.trailing_zeros();
    // Multiplying by an odd number near 2^64 / golden ratio spreads runs of keys evenly.
    let place = |key: u64| usize::try_from(key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> shift).unwrap_or(0);
    let mut starts = vec![0_usize; count];
    for (key, _) in &classes {
        starts[place(*key)] += 1;
    }
    let mut total = 0;
    for start in &mut starts {
        total += std::mem::replace(start, total);
    }
    let mut spread = vec![(0, 0); classes.len()];
    for keyed in classes {
        let next = &mut starts[place(keyed.0)];
        spread[*next] = keyed;
        *next += 1;
    }
    (spread, starts)
}

impl Partition<'_> {
    /// Puts the blocks in order.
    pub(crate) fn sort(&mut self) {
        for side in [&mut *self.left, &mut *self.right] {
            if side.len() > PARTITION_CLASSES * 8 {
                rayon::slice::ParallelSliceMut::par_sort_unstable(side);
            } else {
                side.sort_unstable();
            }
        }
    }

    /// The blocks that have both sides; after [`Partition::sort`].
    pub(crate) fn blocks(&self) -> Blocks<'_> {
        Blocks { left: self.left, right: self.right }
    }
}

/// Walks both sides of a sorted partition.
#[derive(Debug)]
pub(crate) struct Blocks<'a> {
    left: &'a [Keyed],
    right: &'a [Keyed],
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        loop {
            let (left, right) = (self.left.first()?.0, self.right.first()?.0);
            match left.cmp(&right) {
                Ordering::Less => self.left = &self.left[run(self.left)..],
                Ordering::Greater => self.right = &self.right[run(self.right)..],
                Ordering::Equal => {
                    let (left, left_rest) = self.left.split_at(run(self.left));
                    let (right, right_rest) = self.right.split_at(run(self.right));
                    (self.left, self.right) = (left_rest, right_rest);
                    return Some(Block { left, right });
                }
            }
        }
    }
}

/// How many classes at the start have the same key.
fn run(classes: &[Keyed]) -> usize {
    let key = classes[0].0;
    // Most blocks are small, some are everything.
    match classes.get(1..).and_then(|rest| rest.iter().take(8).position(|other| other.0 != key)) {
        Some(short) => short + 1,
        None => classes.partition_point(|other| other.0 <= key),
    }
}

impl Block<'_> {
    /// How many pairs there are.
    pub(crate) fn pairs(&self) -> u64 {
        crate::number::count(self.left.len()).saturating_mul(crate::number::count(self.right.len()))
    }

    /// A left class by its place in the block.
    pub(crate) fn left_class(&self, place: u32) -> u32 {
        self.left[index(place)].1
    }

    /// A right class by its place in the block.
    pub(crate) fn right_class(&self, place: u32) -> u32 {
        self.right[index(place)].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_meets_all_of_its_block_and_no_other() {
        let side =
            |count: u32, step: u32| (0..count).map(|n| (u64::from(n * step % 1_000), n)).collect::<Vec<_>>();
        let (left, right) = (side(50_000, 7), side(30_000, 11));
        let mut partitions = Partitions::of([left.clone(), right.clone()]);
        let mut seen = 0;
        for mut partition in partitions.iter_mut() {
            partition.sort();
            for block in partition.blocks() {
                let key = block.left[0].0;
                let of =
                    |side: &[Keyed]| side.iter().filter(|keyed| keyed.0 == key).copied().collect::<Vec<_>>();
                assert_eq!((block.left, block.right), (of(&left).as_slice(), of(&right).as_slice()));
                assert!(block.left.is_sorted() && block.right.is_sorted());
                seen += 1;
            }
        }
        assert_eq!(seen, 1_000);
    }
}
