//! A run from two tables to an outcome.

use std::num::NonZeroUsize;

use rayon::prelude::*;
use recon_domain::{Ambiguous, Limits, MatchStatus, RuleSet, Variance};

use crate::assign::Pairing;
use crate::classes::Classes;
use crate::classify::classify;
use crate::digest::digest;
use crate::input::{Input, LEFT, RIGHT};
use crate::number::{count, index};
use crate::open::Open;
use crate::outcome::Entries;
use crate::pass;
use crate::plan::Plan;
use crate::summary::summary;
use crate::text::Words;
use crate::{Interner, Match, Outcome, Table};

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Passes; counted in passes.
    Matching,
    /// Breaks; counted in entries.
    Classifying,
}

/// Is told how far a run is, and may stop it.
pub trait Progress: Sync {
    /// `done` of `total` in this phase. Returns whether the run should go on.
    fn advance(&self, phase: Phase, done: u64, total: u64) -> bool;
}

/// Tells nobody and never stops.
#[derive(Debug, Clone, Copy)]
pub struct Quiet;

impl Progress for Quiet {
    fn advance(&self, _: Phase, _: u64, _: u64) -> bool {
        true
    }
}

/// [`Progress`] said to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run was cancelled")]
pub struct Cancelled;

/// Reconciles two tables whose columns follow the roles of `rules`.
///
/// The outcome does not depend on the order of entries or on `threads`.
///
/// # Errors
/// [`Cancelled`] when `progress` says so.
pub fn reconcile(
    rules: &RuleSet,
    left: &Table,
    right: &Table,
    texts: &Interner,
    threads: NonZeroUsize,
    progress: &dyn Progress,
) -> Result<Outcome, Cancelled> {
    let run = || run(rules, [left, right], texts, progress);
    match rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build() {
        Ok(pool) => pool.install(run),
        // Without threads of its own the run uses those there are: it takes longer and gives the same.
        Err(_) => run(),
    }
}

fn run(
    rules: &RuleSet,
    tables: [&Table; 2],
    texts: &Interner,
    progress: &dyn Progress,
) -> Result<Outcome, Cancelled> {
    let given = Input::new(rules, tables, texts);
    let (left, right) = rayon::join(|| sorted(&given, LEFT), || sorted(&given, RIGHT));
    let input = given.over([&left.1, &right.1], texts);
    let classes = [left.0, right.0];
    let (mut open, mut words) = (Open::all(&classes), Words::default());
    let (mut matches, mut forbidden) = (Vec::new(), Vec::new());
    let mut limits = Limits::default();
    let passes = count(rules.passes.len());
    for number in 0..rules.passes.len() {
        let plan = Plan::new(&input, number);
        let go_on = || progress.advance(Phase::Matching, count(number), passes);
        let outcome = pass::run(&input, &plan, &open, &mut words, &go_on)?;
        matches.extend(consume(&given, &plan, &classes, outcome.pairings, &mut open));
        forbidden.extend(outcome.forbidden);
        limits.skipped_blocks += outcome.limits.skipped_blocks;
        limits.bounded_components += outcome.limits.bounded_components;
        limits.gap = limits.gap.saturating_add(outcome.limits.gap);
    }
    if !progress.advance(Phase::Matching, passes, passes) {
        return Err(Cancelled);
    }
    let breaks = classify(&given, &classes, &input, &open, &forbidden, progress)?;
    let mut summary = summary(&given, &matches, &breaks, limits);
    summary.digest = digest(&given, &matches, &breaks);
    Ok(Outcome { matches, breaks, summary })
}

/// The classes of a side, and a table with one entry for each, in content order.
fn sorted(given: &Input<'_>, side: usize) -> (Classes, Table) {
    let classes = Classes::of(given, side);
    let table = given.only(side, &classes.firsts());
    (classes, table)
}

/// Takes the entries of a pass's pairings, and makes its matches in the order of their left entries: results then
/// follow the file that people have in front of them, and are written without jumping about in memory.
fn consume(
    given: &Input<'_>,
    plan: &Plan<'_>,
    classes: &[Classes; 2],
    mut pairings: Vec<Pairing>,
    open: &mut Open,
) -> Vec<Match> {
    let total = pairings.iter().map(|pairing| index(pairing.count)).sum();
    let mut pairs: Vec<(u32, u32, u32)> = Vec::with_capacity(total);
    pairings.par_sort_unstable_by_key(|pairing| (pairing.left, pairing.right));
    for pairing in pairings {
        let place = classes[LEFT].open_start(pairing.left, open.of(LEFT, pairing.left));
        let entries = classes[RIGHT].open_members(pairing.right, open.of(RIGHT, pairing.right));
        let pair = |(place, entry): (u32, &u32)| (classes[LEFT].at(place), *entry, pairing.ambiguity);
        pairs.extend((place..place + pairing.count).zip(entries).map(pair));
        open.take(LEFT, pairing.left, pairing.count);
        open.take(RIGHT, pairing.right, pairing.count);
    }
    pairs.par_sort_unstable();
    let matched =
        |&(left, right, ambiguity): &(u32, u32, u32)| matched(given, plan, [left, right], ambiguity);
    pairs.par_iter().map(matched).collect()
}

fn matched(given: &Input<'_>, plan: &Plan<'_>, entries: [u32; 2], ambiguity: u32) -> Match {
    let cells = |role: usize| [LEFT, RIGHT].map(|side| (given.column(side, role), index(entries[side])));
    let amount = given.reserved.amount.map(|role| {
        let [left, right] = cells(role).map(|(column, entry)| column.number(entry).unwrap_or(0));
        right.saturating_sub(left)
    });
    let days = given.reserved.date.and_then(|role| {
        let [left, right] = cells(role).map(|(column, entry)| column.day(entry));
        Some(right?.saturating_sub(left?))
    });
    let status = match (ambiguity, plan.pass.ambiguous) {
        (0, _) | (_, Ambiguous::Allow) => plan.pass.outcome,
        (_, Ambiguous::Suggest | Ambiguous::Forbid) => MatchStatus::Suggested,
    };
    let [left, right] = entries.map(|entry| Entries::from_slice(&[entry]));
    Match { pass: plan.number, status, ambiguity, left, right, variance: Variance { amount, days } }
}
