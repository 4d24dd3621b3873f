//! Whether single matches and breaks are what their entries say: for those who check a result without matching again.

use recon_domain::{BreakKind, Cause, RuleSet, Side};

use crate::classes::Classes;
use crate::classify::{FAILED_MAX, Named, Near, reasons};
use crate::evaluate::{Judge, Pair, Scope};
use crate::input::{Input, LEFT, RIGHT, SIDES};
use crate::number::{count, index, narrow};
use crate::pass::learn;
use crate::plan::Plan;
use crate::progress::Watch;
use crate::recount::{RecountError, known};
use crate::text::{Scratch, Words};
use crate::{Break, Cancelled, Failed, Interner, Match, Nearest, Phase, Progress, Table};

/// Two tables under their rules, ready to be asked about any of their pairs.
///
/// Making one sorts both sides once, as a run does; a question then costs what a pair costs.
pub struct Checker<'a> {
    input: Input<'a>,
    plans: Vec<Plan<'a>>,
    /// By side and entry, the first of those that are interchangeable with it: a run speaks of that one.
    firsts: [Vec<u32>; 2],
    words: Words,
    scratch: Scratch,
    watch: Watch<'a>,
}

/// What follows for a break from the matches beside it and from its nearest candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// Its kind, if no pass had to leave it open for its ambiguity: [`BreakKind::Ambiguous`] cannot be told from a
    /// result, and only [`BreakKind::Duplicate`] goes before it.
    pub kind: BreakKind,
    /// What explains the difference from its nearest candidate.
    pub cause: Option<Cause>,
}

impl<'a> Checker<'a> {
    /// Makes the passes ready.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` says so.
    pub fn new(
        rules: &'a RuleSet,
        tables: [&'a Table; 2],
        texts: &'a Interner,
        progress: &'a dyn Progress,
    ) -> Result<Self, Cancelled> {
        let input = Input::new(rules, tables, texts);
        let total = count(input.len(LEFT) + input.len(RIGHT));
        let watch = Watch::new(progress, Phase::Classifying, total);
        watch.ask()?;
        let firsts = |side| Ok(firsts(&Classes::of(&input, side, &watch)?, input.len(side)));
        let firsts = [firsts(LEFT)?, firsts(RIGHT)?];
        let plans = (0..rules.passes.len()).map(|pass| Plan::new(&input, pass, &watch));
        let plans = plans.collect::<Result<_, _>>()?;
        Ok(Self { input, plans, firsts, words: Words::default(), scratch: Scratch::default(), watch })
    }

    /// The conditions of a pass that a left and a right entry fail: none where they are a candidate of it. In the order
    /// of currency, `equal`, `within`, `similar`, `where`.
    ///
    /// # Errors
    /// [`RecountError`].
    pub fn failed(&mut self, pass: u16, entries: [u32; 2]) -> Result<Vec<Failed>, RecountError> {
        let plan = self.plans.get(usize::from(pass)).ok_or(RecountError::NoSuchPass { pass })?;
        let pair = pair(&self.input, &self.firsts, entries)?;
        learn(&self.input, plan, [&[pair.left], &[pair.right]], &mut self.words, &self.watch)?;
        let judge = Judge { input: &self.input, plan, words: &self.words, watch: &self.watch };
        let verdict = judge.evaluate(pair, Scope::All, usize::MAX, &mut self.scratch);
        judge.go_on(&mut self.scratch)?;
        Ok(verdict.unwrap_or_default().failed.into_vec())
    }

    /// An entry of the other side as the nearest candidate of an entry: once for each pass under which it is near enough
    /// to be one, the nearest first, all without a cause. Empty where it cannot be one at all.
    ///
    /// Which of them a run names depends on what else it looked at, so each may be right.
    ///
    /// # Errors
    /// [`RecountError`].
    pub fn near(&mut self, side: Side, entry: u32, other: u32) -> Result<Vec<Nearest>, RecountError> {
        let entries = if side == SIDES[LEFT] { [entry, other] } else { [other, entry] };
        let pair = pair(&self.input, &self.firsts, entries)?;
        let mut found = Vec::new();
        for plan in &self.plans {
            learn(&self.input, plan, [&[pair.left], &[pair.right]], &mut self.words, &self.watch)?;
            let judge = Judge { input: &self.input, plan, words: &self.words, watch: &self.watch };
            let verdict = judge.evaluate(pair, Scope::All, FAILED_MAX, &mut self.scratch);
            judge.go_on(&mut self.scratch)?;
            let Some(verdict) = verdict.filter(|verdict| judge.agrees_in_anything(pair, verdict)) else {
                continue;
            };
            let nearness = (verdict.failed.len(), judge.cost(pair, verdict.dissimilarity), plan.number);
            let failed = verdict.failed.iter().copied().collect();
            found.push((nearness, Nearest { entry: other, pass: plan.number, failed, cause: None }));
        }
        found.sort_unstable_by_key(|(nearness, _)| *nearness);
        Ok(found.into_iter().map(|(_, nearest)| nearest).collect())
    }

    /// The reason of each of these breaks, which are all there are beside these matches. Taken from them are their
    /// entries, their nearest candidates and the passes of those: neither kinds nor causes, nor what is said to fail.
    ///
    /// # Errors
    /// [`RecountError`].
    pub fn reasons(&mut self, matches: &[Match], breaks: &[Break]) -> Result<Vec<Reason>, RecountError> {
        let matched = self.matched(matches)?;
        let mut named = Vec::with_capacity(breaks.len());
        for left_over in breaks {
            let side = if left_over.side == SIDES[LEFT] { LEFT } else { RIGHT };
            known(&self.input, side, left_over.entry)?;
            let first = self.firsts[side][index(left_over.entry)];
            let twin = matched[side][index(first)].then_some(first);
            let near = left_over.nearest.as_ref().map(|nearest| -> Result<Near, RecountError> {
                let mut entries = [nearest.entry; 2];
                entries[side] = left_over.entry;
                let failed = self.failed(nearest.pass, entries)?.into();
                Ok(Near { pair: pair(&self.input, &self.firsts, entries)?, pass: nearest.pass, failed })
            });
            named.push(Named { side, twin, near: near.transpose()? });
        }
        let judge = |plan| Judge { input: &self.input, plan, words: &self.words, watch: &self.watch };
        Ok(reasons(&self.plans.iter().map(judge).collect::<Vec<_>>(), &named))
    }

    /// By side and first entry of a class, whether any of the class is matched.
    fn matched(&self, matches: &[Match]) -> Result<[Vec<bool>; 2], RecountError> {
        let mut matched = [LEFT, RIGHT].map(|side| vec![false; self.input.len(side)]);
        for found in matches {
            for (side, entries) in [(LEFT, &found.left), (RIGHT, &found.right)] {
                for entry in entries {
                    known(&self.input, side, *entry)?;
                    matched[side][index(self.firsts[side][index(*entry)])] = true;
                }
            }
        }
        Ok(matched)
    }
}

impl std::fmt::Debug for Checker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checker").field("passes", &self.plans.len()).finish_non_exhaustive()
    }
}

/// The first entry of the class of each entry of a side.
fn firsts(classes: &Classes, entries: usize) -> Vec<u32> {
    let mut firsts = vec![0; entries];
    for class in 0..narrow(classes.sizes().len()) {
        let members = classes.members(class);
        members.iter().for_each(|entry| firsts[index(*entry)] = members[0]);
    }
    firsts
}

/// The pair that a run looks at for these entries.
fn pair(input: &Input<'_>, firsts: &[Vec<u32>; 2], entries: [u32; 2]) -> Result<Pair, RecountError> {
    known(input, LEFT, entries[LEFT])?;
    known(input, RIGHT, entries[RIGHT])?;
    let [left, right] = [LEFT, RIGHT].map(|side| firsts[side][index(entries[side])]);
    Ok(Pair { left, right })
}
