//! The search for the nearest candidate of every open class.

use rayon::prelude::*;

use super::pair;
use super::probe::{Blocking, Order, Places, kept_columns, orders};
use crate::Cancelled;
use crate::blocks::{Keyed, keys};
use crate::evaluate::{Cost, Judge, Pair, Scope};
use crate::input::{Input, LEFT, RIGHT};
use crate::number::{count, narrow};
use crate::progress::Watch;
use crate::text::Scratch;

/// How many neighbours are looked at in each direction of an order, at most.
pub(crate) const NEIGHBOURS_MAX: u64 = 8;

/// How many pairs a run looks at for the sake of its breaks. Where there are so many breaks that this
/// does not suffice, fewer neighbours of each are looked at, but never fewer than one.
pub(crate) const LOOKS_MAX: u64 = 1 << 28;

/// The most conditions that a nearest candidate may fail. A class that has a candidate which fails fewer
/// needs no look for those that fail more.
pub(crate) const FAILED_MAX: usize = 2;

/// How much work it is to find the place from which a class looks around.
const SEEKING_WORK: u64 = 16;

/// The nearest class so far; the order is the order of nearness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Best {
    failed: usize,
    cost: Cost,
    /// Of the other side, by content.
    pub(super) class: u32,
    pub(super) pass: u16,
}

/// A class in the order of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    block: u64,
    place: (u64, u32),
    class: u32,
}

/// A class that looks for its nearest.
struct Seeker<'a> {
    block: u64,
    class: u32,
    best: &'a mut Option<Best>,
}

/// One way to look at the open classes of the other side.
#[derive(Clone, Copy)]
struct Probe<'a> {
    judge: &'a Judge<'a>,
    side: usize,
    places: &'a Places,
    order: &'a Order,
    /// Whether this is the first order in these blocks.
    first: bool,
    /// The other side, sorted.
    others: &'a [Spot],
    neighbours: usize,
    failed_max: usize,
}

/// The nearest candidate of each class that is sought for, by side. All classes of the input are open.
pub(super) fn search(
    judges: &[Judge<'_>],
    sought: &[Vec<bool>; 2],
    watch: &Watch<'_>,
) -> Result<[Vec<Option<Best>>; 2], Cancelled> {
    let Some(first) = judges.first() else { return Ok([Vec::new(), Vec::new()]) };
    let input = first.input;
    let mut best = [LEFT, RIGHT].map(|side| vec![None; input.len(side)]);
    if best.iter().any(Vec::is_empty) {
        return Ok(best);
    }
    let several = has_several_currencies(input);
    let columns = |judge: &Judge<'_>, omitted: usize| kept_columns(judge, several, omitted);
    let positions = judges.iter().map(|judge| {
        let offsets: usize = orders(judge).iter().map(|order| order.offsets.len()).sum();
        offsets * (columns(judge, 1).len() + columns(judge, FAILED_MAX).len())
    });
    let classes = best[LEFT].len() + best[RIGHT].len();
    let looks = 2 * count(positions.sum::<usize>()).saturating_mul(count(classes));
    let neighbours = usize::try_from((LOOKS_MAX / looks.max(1)).clamp(1, NEIGHBOURS_MAX)).unwrap_or(1);
    let steps = count(judges.len() * FAILED_MAX);
    let mut done = 0;
    for failed_max in 1..=FAILED_MAX {
        // Who has found something that fails less is content with it; who has not goes on to the end.
        let sought = [LEFT, RIGHT].map(|side| {
            let classes = sought[side].iter().zip(&best[side]);
            classes.map(|(sought, best): (&bool, &Option<Best>)| *sought && best.is_none()).collect()
        });
        for judge in judges {
            watch.reached(count(classes) * done / steps)?;
            look(judge, &columns(judge, failed_max), &sought, &mut best, [failed_max, neighbours])?;
            done += 1;
        }
    }
    Ok(best)
}

fn has_several_currencies(input: &Input<'_>) -> bool {
    let all = || input.tables.iter().flat_map(|table| &table.currencies);
    all().min() != all().max()
}

/// Looks at the neighbours of every class that still needs it, in blocks by each set of columns.
fn look(
    judge: &Judge<'_>,
    columns: &[Vec<Blocking>],
    sought: &[Vec<bool>; 2],
    best: &mut [Vec<Option<Best>>; 2],
    [failed_max, neighbours]: [usize; 2],
) -> Result<(), Cancelled> {
    let classes = [LEFT, RIGHT].map(|side| (0..narrow(best[side].len())).collect::<Vec<u32>>());
    let (places, orders) = (Places::of(judge)?, orders(judge));
    for kept in columns {
        let currency = kept.contains(&Blocking::Currency);
        let roles = kept.iter().filter_map(|column| match column {
            Blocking::Currency => None,
            Blocking::Role(role) => Some(*role),
        });
        let roles: Vec<usize> = roles.collect();
        let keyed = keys(judge.input, &roles, currency, [&classes[LEFT], &classes[RIGHT]], judge.watch)?;
        for (number, order) in orders.iter().enumerate() {
            for side in [LEFT, RIGHT] {
                let spot = |&(block, class): &Keyed| Spot {
                    block,
                    place: places.of_class(order, 1 - side, class),
                    class,
                };
                let mut others: Vec<Spot> = keyed[1 - side].par_iter().map(spot).collect();
                others.par_sort_unstable();
                judge.watch.ask()?;
                let first = number == 0;
                let (places, others) = (&places, others.as_slice());
                let probe = Probe { judge, side, places, order, first, others, neighbours, failed_max };
                let mut seekers = seekers(&keyed[side], &sought[side], &mut best[side]);
                seekers.par_iter_mut().try_for_each_init(Scratch::default, |scratch, seeker| {
                    seeker.look(probe, scratch);
                    judge.go_on(scratch)
                })?;
            }
        }
    }
    Ok(())
}

/// The classes of a side that are sought for.
fn seekers<'a>(keyed: &[Keyed], sought: &[bool], best: &'a mut [Option<Best>]) -> Vec<Seeker<'a>> {
    let mut keyed = keyed.iter().peekable();
    let joined = (0..).zip(sought).zip(best).filter_map(|((class, sought), best)| {
        let (block, _) = *keyed.next_if(|(_, keyed)| *keyed == class)?;
        sought.then_some(Seeker { block, class, best })
    });
    joined.collect()
}

impl Seeker<'_> {
    fn look(&mut self, probe: Probe<'_>, scratch: &mut Scratch) {
        scratch.work += SEEKING_WORK;
        let start = probe.others.partition_point(|other| other.block < self.block);
        let length = block_length(&probe.others[start..], self.block);
        let block = &probe.others[start..start + length];
        // From wherever one looks, all of so small a block are neighbours; once is enough.
        if length <= probe.neighbours {
            if probe.first {
                block.iter().for_each(|other| self.consider(probe, other.class, scratch));
            }
            return;
        }
        let own = probe.places.of_class(probe.order, probe.side, self.class);
        for offset in &probe.order.offsets {
            let offset = if probe.side == LEFT { *offset } else { -*offset };
            let Some(place) = probe.places.moved(own, offset) else { continue };
            let at = block.partition_point(|other| other.place < place);
            let before = at.saturating_sub(probe.neighbours);
            let after = block.len().min(at + probe.neighbours);
            block[before..after].iter().for_each(|other| self.consider(probe, other.class, scratch));
        }
    }

    /// How many conditions another class so far away may fail to be nearer than the one before; `None` if
    /// it cannot be nearer.
    fn failed_max(&self, probe: Probe<'_>, distance: Cost) -> Option<usize> {
        let Some(best) = *self.best else { return Some(probe.failed_max) };
        let is_further = (distance.amount, distance.days) > (best.cost.amount, best.cost.days);
        if is_further { best.failed.checked_sub(1) } else { Some(best.failed) }
    }

    /// Keeps the other class if it is nearer than the one before.
    fn consider(&mut self, probe: Probe<'_>, class: u32, scratch: &mut Scratch) {
        let judge = probe.judge;
        let pair: Pair = pair(probe.side, self.class, class);
        let Some(failed_max) = self.failed_max(probe, judge.distance(pair)) else { return };
        let Some(verdict) = judge.evaluate(pair, Scope::All, failed_max, scratch) else { return };
        let cost = judge.cost(pair, verdict.dissimilarity);
        let found = Best { failed: verdict.failed.len(), cost, class, pass: judge.plan.number };
        if self.best.is_none_or(|best| found < best) && judge.agrees_in_anything(pair, &verdict) {
            *self.best = Some(found);
        }
    }
}

/// How many spots at the start are of this block. Most blocks are small, some are everything.
fn block_length(others: &[Spot], block: u64) -> usize {
    let mut step = 1;
    while step < others.len() && others[step].block == block {
        step *= 2;
    }
    let known = step / 2;
    let end = others.len().min(step + 1);
    known + others[known..end].partition_point(|other| other.block == block)
}
