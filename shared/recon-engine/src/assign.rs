//! The assignment inside a component, and how ambiguous each match of it is.
//!
//! Greedy for now: the cheapest candidate first, of equally cheap ones the first by left content, then by
//! right content. Entries of a class are given out together, which is what going through them one by one
//! would give.

use recon_domain::Ambiguous;

use crate::Cancelled;
use crate::blocks::Block;
use crate::candidates::Edge;
use crate::evaluate::{Cost, Judge, Pair, Scope};
use crate::number::{count, index, narrow};
use crate::text::Scratch;

/// Entries of a left and a right class that are matched one with one, in content order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pairing {
    pub(crate) left: u32,
    pub(crate) right: u32,
    /// How many entries of each.
    pub(crate) count: u32,
    /// Of each of these matches.
    pub(crate) ambiguity: u32,
}

/// How far a component may be from its best assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quality {
    /// It is the best.
    Best,
    /// Not shown to be the best; the amounts differ at most by so much more.
    Within(u128),
}

/// A candidate with its cost; the order is the order of assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Priced {
    cost: Cost,
    left: u32,
    right: u32,
}

/// The state of a block under assignment, kept from one block to the next.
#[derive(Debug, Default)]
pub(crate) struct Assignment {
    /// By side and place in the block: entries that are open.
    open: [Vec<u32>; 2],
    /// By side and place: the same when the candidates of the cost at hand had their turn.
    before: [Vec<u32>; 2],
    /// By side and place: how many other entries could be had at the cost at hand.
    others: [Vec<u64>; 2],
    /// By side and place: entries that were taken for less, but might as well have been left to others.
    shaky: [Vec<u64>; 2],
    /// By side and place: the first candidate, which is the cheapest.
    cheapest: [Vec<u32>; 2],
    priced: Vec<Priced>,
    /// By candidate: how many entries it took, and how ambiguous that is.
    taken: Vec<(u32, u32)>,
}

impl Assignment {
    /// Begins a block; `open` tells how many entries of a class are open.
    pub(crate) fn begin(&mut self, block: Block<'_>, open: impl Fn(usize, u32) -> u32) {
        for (side, classes) in [block.left, block.right].into_iter().enumerate() {
            self.open[side].clear();
            self.open[side].extend(classes.iter().map(|(_, class)| open(side, *class)));
            self.before[side].resize(classes.len(), 0);
            self.others[side].resize(classes.len(), 0);
            self.cheapest[side].resize(classes.len(), 0);
            self.shaky[side].clear();
            self.shaky[side].resize(classes.len(), 0);
        }
    }

    /// Takes a candidate that competes with no other.
    pub(crate) fn single(&mut self, block: Block<'_>, (left, right): Edge) -> Pairing {
        let count = self.open[0][index(left)].min(self.open[1][index(right)]);
        self.open[0][index(left)] -= count;
        self.open[1][index(right)] -= count;
        Pairing { left: block.left_class(left), right: block.right_class(right), count, ambiguity: 0 }
    }

    /// Assigns a component. What the pass forbids for its ambiguity stays open, and is not given to
    /// anybody else in this pass either.
    pub(crate) fn component(
        &mut self,
        judge: Judge<'_>,
        block: Block<'_>,
        component: &[(u32, Edge)],
        scratch: &mut Scratch,
        mut take: impl FnMut(Pairing),
    ) -> Result<Quality, Cancelled> {
        self.price(judge, block, component, scratch)?;
        self.taken.clear();
        let mut start = 0;
        while start < self.priced.len() {
            let cost = self.priced[start].cost;
            let level = self.priced[start..].partition_point(|candidate| candidate.cost == cost);
            self.level(start, start + level);
            judge.watch.after(&mut scratch.work, count(level))?;
            start += level;
        }
        let quality = self.quality();
        let forbid = judge.plan.pass.ambiguous == Ambiguous::Forbid;
        for (candidate, &(count, ambiguity)) in self.priced.iter().zip(&self.taken) {
            if count == 0 {
                continue;
            }
            if forbid && ambiguity > 0 {
                self.open[0][index(candidate.left)] += count;
                self.open[1][index(candidate.right)] += count;
                continue;
            }
            let (left, right) = (block.left_class(candidate.left), block.right_class(candidate.right));
            take(Pairing { left, right, count, ambiguity });
        }
        Ok(quality)
    }

    /// Candidates of the component whose entries are still open on both sides.
    pub(crate) fn left_open<'a>(&'a self, component: &'a [(u32, Edge)]) -> impl Iterator<Item = Edge> + 'a {
        let edges = component.iter().map(|(_, edge)| *edge);
        edges.filter(|(left, right)| self.open[0][index(*left)] > 0 && self.open[1][index(*right)] > 0)
    }

    fn price(
        &mut self,
        judge: Judge<'_>,
        block: Block<'_>,
        component: &[(u32, Edge)],
        scratch: &mut Scratch,
    ) -> Result<(), Cancelled> {
        self.priced.clear();
        // All tolerances are known to hold; only the texts are needed again.
        let scope = Scope::Block { proven: u16::MAX };
        for &(_, (left, right)) in component {
            let pair = Pair { left: block.left_class(left), right: block.right_class(right) };
            let verdict = judge.evaluate(pair, scope, 0, scratch);
            judge.go_on(scratch)?;
            let cost = judge.cost(pair, verdict.map_or(0, |verdict| verdict.dissimilarity));
            self.priced.push(Priced { cost, left, right });
        }
        self.priced.sort_unstable();
        Ok(())
    }

    /// Gives out the candidates `start..end`, which cost the same.
    ///
    /// The ambiguity of a match is the number of other candidates of its entries at the same cost that
    /// could take its place: those whose other entry was not taken for less without any ambiguity, and was
    /// not taken at this cost by an entry interchangeable with its own, since then the exchange would
    /// change nothing.
    fn level(&mut self, start: usize, end: usize) {
        if end - start == 1 {
            let count = self.give(self.priced[start]);
            self.taken.push((count, 0));
            return;
        }
        for candidate in &self.priced[start..end] {
            for (side, place) in [(0, candidate.left), (1, candidate.right)] {
                self.before[side][index(place)] = self.open[side][index(place)];
                self.others[side][index(place)] = 0;
            }
        }
        for number in start..end {
            let candidate = self.priced[number];
            let count = self.give(candidate);
            self.taken.push((count, 0));
            self.others[0][index(candidate.left)] += self.spare(1, candidate.right, count);
            self.others[1][index(candidate.right)] += self.spare(0, candidate.left, count);
        }
        for number in start..end {
            let candidate = self.priced[number];
            let count = self.taken[number].0;
            let left = self.others[0][index(candidate.left)] - self.spare(1, candidate.right, count);
            let right = self.others[1][index(candidate.right)] - self.spare(0, candidate.left, count);
            self.taken[number].1 = u32::try_from(left + right).unwrap_or(u32::MAX);
        }
        for number in start..end {
            let (candidate, (count, ambiguity)) = (self.priced[number], self.taken[number]);
            if ambiguity > 0 {
                self.shaky[0][index(candidate.left)] += u64::from(count);
                self.shaky[1][index(candidate.right)] += u64::from(count);
            }
        }
    }

    /// Matches what both classes of a candidate have open.
    fn give(&mut self, candidate: Priced) -> u32 {
        let (left, right) = (index(candidate.left), index(candidate.right));
        let count = self.open[0][left].min(self.open[1][right]);
        self.open[0][left] -= count;
        self.open[1][right] -= count;
        count
    }

    /// Entries of a class that could be had at the cost at hand, beside those that the candidate took.
    fn spare(&self, side: usize, place: u32, taken: u32) -> u64 {
        u64::from(self.before[side][index(place)] - taken) + self.shaky[side][index(place)]
    }

    /// Where all entries of a side are matched, each by its cheapest candidate, no assignment is better.
    fn quality(&mut self) -> Quality {
        for (number, candidate) in self.priced.iter().enumerate().rev() {
            self.cheapest[0][index(candidate.left)] = narrow(number);
            self.cheapest[1][index(candidate.right)] = narrow(number);
        }
        let side = |side: usize| {
            let place = |candidate: &Priced| index(if side == 0 { candidate.left } else { candidate.right });
            let complete = self.priced.iter().all(|candidate| self.open[side][place(candidate)] == 0);
            let (mut best, mut more) = (complete, 0_u128);
            for (candidate, (count, _)) in
                self.priced.iter().zip(&self.taken).filter(|(_, (count, _))| *count > 0)
            {
                let cheapest = self.priced[index(self.cheapest[side][place(candidate)])].cost;
                best &= candidate.cost == cheapest;
                // An amount on one side only is not measured.
                let measured = candidate.cost.amount < u128::MAX;
                let each = if measured { candidate.cost.amount - cheapest.amount } else { 0 };
                more = more.saturating_add(each.saturating_mul(u128::from(*count)));
            }
            (best, more)
        };
        let [(left_best, left), (right_best, right)] = [0, 1].map(side);
        if left_best || right_best { Quality::Best } else { Quality::Within(left.min(right)) }
    }
}
