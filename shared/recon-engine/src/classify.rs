//! Breaks: what kind each entry that is left over is, and what comes nearest to it.
//!
//! A stage of its own after all passes, since it looks across their blocks.

mod cause;
mod nearest;
mod probe;
mod reasons;

use rayon::prelude::*;
use recon_domain::{BreakKind, Cause, Condition, Side};
use std::collections::HashSet;

use crate::classes::Classes;
use crate::evaluate::{Judge, Pair, Scope};
use crate::input::{Input, LEFT, RIGHT, SIDES};
use crate::number::{index, narrow};
use crate::open::Open;
use crate::pass::learn;
use crate::plan::Plan;
use crate::progress::Watch;
use crate::text::{Scratch, Words};
use crate::{Break, Cancelled, Failed, Interner, Nearest};
use cause::{Constants, Gap};
use nearest::Best;

pub(crate) use nearest::FAILED_MAX;
pub(crate) use reasons::{Named, reasons};

/// How much work it is to write down the breaks of a class.
const BREAK_WORK: u64 = 16;

/// The nearest class of an open class, with what it fails.
#[derive(Debug)]
pub(crate) struct Near {
    pub(crate) pair: Pair,
    pub(crate) pass: u16,
    pub(crate) failed: smallvec::SmallVec<[Failed; 2]>,
}

/// The breaks of both sides, left before right, each in file order.
///
/// `given` is what `classes` and the entries of breaks are of, `input` what the passes worked on. `left` are the
/// classes that have open entries.
pub(crate) fn classify(
    given: &Input<'_>,
    classes: &[Classes; 2],
    input: &Input<'_>,
    open: &Open,
    left: &[Vec<u32>; 2],
    forbidden: &[(u32, u32)],
    watch: &Watch<'_>,
) -> Result<Vec<Break>, Cancelled> {
    watch.ask()?;
    // From here on a class is known by its place among those that are left: tables and texts of them
    // alone are small enough to stay near the processor.
    let mut texts = Interner::new();
    let mut tables = [LEFT, RIGHT].map(|side| input.only(side, &left[side]));
    for column in tables.iter_mut().flat_map(|table| &mut table.columns) {
        column.intern(input.texts, &mut texts, watch)?;
    }
    let left_over = input.over([&tables[LEFT], &tables[RIGHT]], &texts);
    let plans = (0..input.rules.passes.len()).map(|pass| Plan::new(&left_over, pass, watch));
    let plans = plans.collect::<Result<Vec<Plan<'_>>, Cancelled>>()?;
    let all = [LEFT, RIGHT].map(|side| (0..narrow(left[side].len())).collect::<Vec<u32>>());
    let mut words = Words::default();
    for plan in &plans {
        learn(&left_over, plan, [&all[LEFT], &all[RIGHT]], &mut words, watch)?;
    }
    let (input, words) = (&left_over, &words);
    let judges: Vec<Judge<'_>> = plans.iter().map(|plan| Judge { input, plan, words, watch }).collect();
    let single = |side: usize, class: u32| open.of(side, class) == narrow(classes[side].members(class).len());
    let sought = [LEFT, RIGHT].map(|side| left[side].iter().map(|class| single(side, *class)).collect());
    let found = nearest::search(&judges, &sought, watch)?;
    let near = [near_of(&judges, LEFT, &found[LEFT])?, near_of(&judges, RIGHT, &found[RIGHT])?];
    watch.ask()?;
    let constants = Constants::of(&judges, near.iter().flatten().flatten());
    let ambiguous = ambiguous(open, forbidden);
    let mut breaks = Vec::new();
    let mut work = 0;
    for side in [LEFT, RIGHT] {
        let start = breaks.len();
        for (place, class) in left[side].iter().enumerate() {
            watch.after(&mut work, BREAK_WORK)?;
            let near = near[side].get(place).and_then(Option::as_ref);
            let twin = (!sought[side][place]).then(|| classes[side].members(*class)[0]);
            let kind = kind(&judges, side, twin, ambiguous[side].contains(class), near);
            let nearest = near.map(|near| {
                let (other, place) = near.other(side);
                let class = left[other][index(place)];
                let entry = classes[other].open_members(class, open.of(other, class))[0];
                shown(&judges, near, entry, &constants)
            });
            let members = classes[side].open_members(*class, open.of(side, *class));
            breaks.extend(members.iter().map(|entry| Break {
                side: SIDES[side],
                entry: *entry,
                kind,
                nearest: nearest.clone(),
                twin,
            }));
        }
        let rows = &given.tables[side].rows;
        breaks[start..].sort_unstable_by_key(|left_over| (rows[index(left_over.entry)], left_over.entry));
    }
    Ok(breaks)
}

/// Classes by side that a pass found candidates for which are still open, and had to leave alone.
fn ambiguous(open: &Open, forbidden: &[(u32, u32)]) -> [HashSet<u32>; 2] {
    let mut classes = [HashSet::new(), HashSet::new()];
    for (left, right) in forbidden {
        if open.of(LEFT, *left) > 0 && open.of(RIGHT, *right) > 0 {
            classes[LEFT].insert(*left);
            classes[RIGHT].insert(*right);
        }
    }
    classes
}

/// Evaluates what was found for the classes of a side once more, to know what fails.
fn near_of(
    judges: &[Judge<'_>],
    side: usize,
    found: &[Option<Best>],
) -> Result<Vec<Option<Near>>, Cancelled> {
    let near = |scratch: &mut Scratch, (class, best): (usize, &Option<Best>)| {
        let Some(best) = best else { return Ok(None) };
        let judge = &judges[usize::from(best.pass)];
        let pair = pair(side, narrow(class), best.class);
        let verdict = judge.evaluate(pair, Scope::All, FAILED_MAX, scratch);
        judge.go_on(scratch)?;
        Ok(Some(Near { pair, pass: best.pass, failed: verdict.unwrap_or_default().failed }))
    };
    found.par_iter().enumerate().map_init(Scratch::default, near).collect()
}

/// A class of one side and one of the other.
fn pair(side: usize, own: u32, other: u32) -> Pair {
    if side == LEFT { Pair { left: own, right: other } } else { Pair { left: other, right: own } }
}

/// The first kind that holds.
fn kind(
    judges: &[Judge<'_>],
    side: usize,
    twin: Option<u32>,
    ambiguous: bool,
    near: Option<&Near>,
) -> BreakKind {
    let missing = match SIDES[side] {
        Side::Left => BreakKind::MissingRight,
        Side::Right => BreakKind::MissingLeft,
    };
    if twin.is_some() {
        return BreakKind::Duplicate;
    }
    if ambiguous {
        return BreakKind::Ambiguous;
    }
    match near {
        Some(Near { pass, failed, .. }) if failed.len() == 1 => {
            kind_of(&judges[usize::from(*pass)], failed[0].condition).unwrap_or(missing)
        }
        _ => missing,
    }
}

/// What it is called when exactly this condition fails; `None` for a filter, which no value is wrong for.
fn kind_of(judge: &Judge<'_>, condition: Condition) -> Option<BreakKind> {
    let pass = judge.plan.pass;
    match condition {
        Condition::Currency => Some(BreakKind::CurrencyDiffers),
        Condition::Equal(number) => {
            let role = pass.equal[usize::from(number)].index();
            let is_date = judge.input.column(LEFT, role).is_date();
            Some(match () {
                () if Some(role) == judge.input.reserved.amount => BreakKind::AmountOutOfTolerance,
                () if is_date => BreakKind::DateOutOfTolerance,
                () => BreakKind::ReferenceDiffers,
            })
        }
        Condition::Within(number) => Some(match pass.within[usize::from(number)].tolerance {
            recon_domain::Tolerance::Amount { .. } => BreakKind::AmountOutOfTolerance,
            recon_domain::Tolerance::Days { .. } => BreakKind::DateOutOfTolerance,
        }),
        Condition::Similar(_) => Some(BreakKind::ReferenceDiffers),
        Condition::Filter(_) => None,
    }
}

impl Near {
    /// The other side and the class there.
    fn other(&self, side: usize) -> (usize, u32) {
        if side == LEFT { (RIGHT, self.pair.right) } else { (LEFT, self.pair.left) }
    }

    /// What explains that it is not the same.
    fn cause(&self, judges: &[Judge<'_>], constants: &Constants) -> Option<Cause> {
        let judge = &judges[usize::from(self.pass)];
        let gaps = self.failed.iter().filter_map(|failed| Gap::of(judge, self.pair, failed.condition));
        cause::cause(gaps, constants)
    }
}

fn shown(judges: &[Judge<'_>], near: &Near, entry: u32, constants: &Constants) -> Nearest {
    Nearest {
        entry,
        pass: near.pass,
        failed: near.failed.iter().copied().collect(),
        cause: near.cause(judges, constants),
    }
}
