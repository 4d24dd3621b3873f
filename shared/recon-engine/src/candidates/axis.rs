//! Looking for pairs along tolerances: sorted windows instead of all pairs.

use rayon::prelude::*;

use super::Unfinished;
use crate::Cancelled;
use crate::blocks::Block;
use crate::evaluate::Judge;
use crate::input::{Input, LEFT, RIGHT};
use crate::number::{count, index, narrow};
use crate::plan::Window;
use crate::progress::Watch;

/// A right class's value on an axis, and its place in the block.
type Placed = (i128, u32);

/// The range of places (or of distinct values) that a left class allows.
type Range = (u32, u32);

/// A step along a second axis costs about as much as looking at this many pairs.
pub(super) const STEP_PAIRS: u64 = 8;

/// What a search comes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// A step along a second axis, even where there is nothing to look at.
    Step,
    /// The place of a right class to look at.
    Right(u32),
}

/// Which pairs of a block are to be looked at.
#[derive(Debug)]
pub(super) enum Search {
    /// All.
    All { rights: u32, pairs: u64 },
    /// Those within one tolerance.
    Along(Axis),
    /// Those within two: the first goes through distinct values, the second looks up a range in each.
    Across(Grid),
}

/// The right classes along a tolerance.
#[derive(Debug)]
pub(super) struct Axis {
    window: usize,
    /// Sorted.
    rights: Vec<Placed>,
    /// By left place: which of `rights` are within the tolerance.
    ranges: Vec<Range>,
    pairs: u64,
}

/// The right classes by the value on a first axis, then on a second.
#[derive(Debug)]
pub(super) struct Grid {
    windows: [usize; 2],
    /// Where each distinct value of the first axis starts in `rights`, and where the last ends.
    starts: Vec<u32>,
    /// Sorted within each of them by the second axis.
    rights: Vec<Placed>,
    /// By left place: which distinct values of the first axis are within the tolerance.
    lines: Vec<Range>,
    /// By left place: least and most on the second axis.
    bounds: Vec<(i128, i128)>,
    work: u64,
}

impl Search {
    pub(super) fn all(block: Block<'_>) -> Self {
        Self::All { rights: narrow(block.right.len()), pairs: block.pairs() }
    }

    /// The search with the least work.
    pub(super) fn best(judge: Judge<'_>, block: Block<'_>) -> Result<Self, Cancelled> {
        let windows = &judge.plan.windows;
        let axes = (0..windows.len()).map(|window| {
            judge.watch.ask()?;
            Ok(Axis::new(judge.input, block, window, &windows[window]))
        });
        let mut axes = axes.collect::<Result<Vec<Axis>, Cancelled>>()?;
        axes.sort_by_key(|axis| axis.pairs);
        let enough = 4 * count(block.left.len() + block.right.len());
        if axes.len() > 1 && axes[0].pairs > enough {
            let along = axes[0].pairs;
            let grid = |first: usize, second: usize| {
                let window = axes[second].window;
                Grid::new(judge, block, &axes[first], (window, &windows[window]))
            };
            let grids = [grid(0, 1)?, grid(1, 0)?];
            let best = grids.into_iter().min_by_key(|grid| grid.work);
            if let Some(grid) = best.filter(|grid| grid.work < along) {
                return Ok(Self::Across(grid));
            }
        }
        Ok(match axes.into_iter().next() {
            Some(axis) => Self::Along(axis),
            None => Self::all(block),
        })
    }

    /// How many pairs will be looked at, or what takes as long.
    pub(super) fn work(&self) -> u64 {
        match self {
            Self::All { pairs, .. } => *pairs,
            Self::Along(axis) => axis.pairs,
            Self::Across(grid) => grid.work,
        }
    }

    /// One bit for each tolerance that holds for all pairs of the search.
    pub(super) fn proven(&self) -> u16 {
        let bit = |window: usize| 1_u16.checked_shl(narrow(window)).unwrap_or(0);
        match self {
            Self::All { .. } => 0,
            Self::Along(axis) => bit(axis.window),
            Self::Across(grid) => bit(grid.windows[0]) | bit(grid.windows[1]),
        }
    }

    /// Calls `visit` with every step and the place of every right class to look at, until it fails.
    pub(super) fn each(
        &self,
        left: u32,
        mut visit: impl FnMut(Seen) -> Result<(), Unfinished>,
    ) -> Result<(), Unfinished> {
        let right = |(_, right): &Placed| Seen::Right(*right);
        match self {
            Self::All { rights, .. } => (0..*rights).map(Seen::Right).try_for_each(visit),
            Self::Along(axis) => {
                let (start, end) = axis.ranges[index(left)];
                axis.rights[index(start)..index(end)].iter().map(right).try_for_each(visit)
            }
            Self::Across(grid) => grid.each(index(left), |rights| {
                visit(Seen::Step)?;
                rights.iter().map(right).try_for_each(&mut visit)
            }),
        }
    }
}

impl Axis {
    fn new(input: &Input<'_>, block: Block<'_>, number: usize, window: &Window<'_>) -> Self {
        let mut rights = placed(input, block, window);
        rights.par_sort_unstable();
        let range = |class: u32| {
            let value = window.value(input, LEFT, index(class));
            let (least, most) = value.map_or((1, 0), |value| window.range(value));
            let start = rights.partition_point(|(value, _)| *value < least);
            let inside = rights[start..].partition_point(|(value, _)| *value <= most);
            (narrow(start), narrow(start + inside))
        };
        let ranges: Vec<Range> =
            block.left.par_iter().with_min_len(256).map(|(_, class)| range(*class)).collect();
        let pairs = ranges.iter().map(|(start, end)| u64::from(end - start)).sum();
        Self { window: number, rights, ranges, pairs }
    }
}

/// The right classes of a block with their values on an axis. All have one: see `Plan::takes`.
fn placed(input: &Input<'_>, block: Block<'_>, window: &Window<'_>) -> Vec<Placed> {
    let value = |class| window.value(input, RIGHT, index(class)).unwrap_or(i128::MIN);
    block.right.iter().zip(0..).map(|((_, class), place)| (value(*class), place)).collect()
}

impl Grid {
    fn new(
        judge: Judge<'_>,
        block: Block<'_>,
        first: &Axis,
        second: (usize, &Window<'_>),
    ) -> Result<Self, Cancelled> {
        judge.watch.ask()?;
        let across = placed(judge.input, block, second.1);
        let mut rights = first.rights.clone();
        let mut starts = vec![0];
        // The lines by the place of their start on the first axis, to turn ranges of places into lines.
        let mut line_of = Vec::with_capacity(rights.len() + 1);
        for place in 0..rights.len() {
            if place > 0 && rights[place].0 != rights[place - 1].0 {
                starts.push(narrow(place));
            }
            line_of.push(narrow(starts.len() - 1));
        }
        line_of.push(if rights.is_empty() { 0 } else { narrow(starts.len()) });
        starts.push(narrow(rights.len()));
        for right in &mut rights {
            *right = across[index(right.1)];
        }
        for line in starts.windows(2) {
            rights[index(line[0])..index(line[1])].par_sort_unstable();
        }
        let lines = first.ranges.iter().map(|(start, end)| {
            let last = if end > start { line_of[index(*end) - 1] + 1 } else { line_of[index(*start)] };
            (line_of[index(*start)], last)
        });
        let lines: Vec<Range> = lines.collect();
        let bounds = block.left.par_iter().with_min_len(256).map(|(_, class)| {
            let value = second.1.value(judge.input, LEFT, index(*class));
            value.map_or((1, 0), |value| second.1.range(value))
        });
        let bounds = bounds.collect();
        let mut grid = Self { windows: [first.window, second.0], starts, rights, lines, bounds, work: 0 };
        grid.work = grid.count(judge.watch)?;
        Ok(grid)
    }

    /// Steps and pairs. Where the steps alone are too many, the pairs are not counted.
    fn count(&self, watch: &Watch<'_>) -> Result<u64, Cancelled> {
        let steps: u64 = self.lines.iter().map(|(start, end)| u64::from(end - start)).sum();
        let steps = steps.saturating_mul(STEP_PAIRS);
        if steps > super::BLOCK_PAIRS_MAX {
            return Ok(steps);
        }
        let lefts = (0..self.lines.len()).into_par_iter().with_min_len(256);
        let pairs = lefts.map_init(u64::default, |work, left| {
            let mut pairs = 0;
            self.each(left, |rights| {
                pairs += count(rights.len());
                watch.after(work, STEP_PAIRS)
            })?;
            Ok(pairs)
        });
        Ok(steps.saturating_add(pairs.try_reduce(u64::default, |a, b| Ok(a + b))?))
    }

    /// Calls `visit` with what is to be looked at on each line, until it fails.
    fn each<E>(&self, left: usize, mut visit: impl FnMut(&[Placed]) -> Result<(), E>) -> Result<(), E> {
        let (first, last) = self.lines[left];
        let (least, most) = self.bounds[left];
        for line in index(first)..index(last) {
            let rights = &self.rights[index(self.starts[line])..index(self.starts[line + 1])];
            let start = rights.partition_point(|(value, _)| *value < least);
            let inside = rights[start..].partition_point(|(value, _)| *value <= most);
            visit(&rights[start..start + inside])?;
        }
        Ok(())
    }
}
