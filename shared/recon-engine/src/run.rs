//! A run from two tables to an outcome.

use std::num::NonZeroUsize;

use rayon::prelude::*;
use recon_domain::{Limits, RuleSet};

use crate::assign::Pairing;
use crate::classes::Classes;
use crate::classify::classify;
use crate::digest::digest;
use crate::input::{Input, LEFT, RIGHT};
use crate::measure;
use crate::number::{count, index};
use crate::open::Open;
use crate::outcome::Entries;
use crate::pass;
use crate::plan::Plan;
use crate::progress::Watch;
use crate::summary::summary;
use crate::text::Words;
use crate::{Cancelled, Interner, Match, Outcome, Phase, Progress, Table};

/// How much work it is to take the entries of a pairing, which lie anywhere in memory.
const PAIRING_WORK: u64 = 16;

/// How many matches are made between two questions whether to go on.
const CHUNK_MATCHES: usize = 1 << 17;

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
    let passes = count(rules.passes.len());
    let watch = Watch::new(progress, Phase::Matching, passes);
    watch.ask()?;
    let (left, right) = rayon::join(|| sorted(&given, LEFT, &watch), || sorted(&given, RIGHT, &watch));
    let (left, right) = (left?, right?);
    let input = given.over([&left.1, &right.1], texts);
    let classes = [left.0, right.0];
    let (mut open, mut words) = (Open::all(&classes), Words::default());
    let (mut matches, mut forbidden) = (Vec::new(), Vec::new());
    let mut limits = Limits::default();
    for number in 0..rules.passes.len() {
        watch.reached(count(number))?;
        let plan = Plan::new(&input, number, &watch)?;
        let outcome = pass::run(&input, &plan, &open, &mut words, &watch)?;
        let pairs = consume(&classes, outcome.pairings, &mut open, &watch)?;
        write_down(&given, &plan, &pairs, &mut matches, &watch)?;
        forbidden.extend(outcome.forbidden);
        limits.skipped_blocks += outcome.limits.skipped_blocks;
        limits.bounded_components += outcome.limits.bounded_components;
        limits.gap = limits.gap.saturating_add(outcome.limits.gap);
    }
    watch.reached(passes)?;
    let left_over = [LEFT, RIGHT].map(|side| open.classes(side));
    let total = count(left_over[LEFT].len() + left_over[RIGHT].len());
    let watch = Watch::new(progress, Phase::Classifying, total);
    let breaks = classify(&given, &classes, &input, &open, &left_over, &forbidden, &watch)?;
    watch.reached(total)?;
    let mut summary = summary(&given, &matches, &breaks, limits);
    watch.ask()?;
    summary.digest = digest(&given, &matches, &breaks, &watch)?;
    Ok(Outcome { matches, breaks, summary })
}

/// The classes of a side, and a table with one entry for each, in content order.
fn sorted(given: &Input<'_>, side: usize, watch: &Watch<'_>) -> Result<(Classes, Table), Cancelled> {
    let classes = Classes::of(given, side, watch)?;
    watch.ask()?;
    let table = given.only(side, &classes.firsts());
    watch.ask()?;
    Ok((classes, table))
}

/// A left and a right entry that are matched, with the ambiguity of that.
type Paired = (u32, u32, u32);

/// Takes the entries of a pass's pairings, in the order of left entries: results then follow the file that people have
/// in front of them, and are written without jumping about in memory.
fn consume(
    classes: &[Classes; 2],
    mut pairings: Vec<Pairing>,
    open: &mut Open,
    watch: &Watch<'_>,
) -> Result<Vec<Paired>, Cancelled> {
    let total = pairings.iter().map(|pairing| index(pairing.count)).sum();
    let mut pairs: Vec<Paired> = Vec::with_capacity(total);
    pairings.par_sort_unstable_by_key(|pairing| (pairing.left, pairing.right));
    watch.ask()?;
    let mut work = 0;
    for pairing in pairings {
        watch.after(&mut work, PAIRING_WORK + u64::from(pairing.count))?;
        let place = classes[LEFT].open_start(pairing.left, open.of(LEFT, pairing.left));
        let entries = classes[RIGHT].open_members(pairing.right, open.of(RIGHT, pairing.right));
        let pair = |(place, entry): (u32, &u32)| (classes[LEFT].at(place), *entry, pairing.ambiguity);
        pairs.extend((place..place + pairing.count).zip(entries).map(pair));
        open.take(LEFT, pairing.left, pairing.count);
        open.take(RIGHT, pairing.right, pairing.count);
    }
    pairs.par_sort_unstable();
    Ok(pairs)
}

/// Makes the matches of a pass.
fn write_down(
    given: &Input<'_>,
    plan: &Plan<'_>,
    pairs: &[Paired],
    matches: &mut Vec<Match>,
    watch: &Watch<'_>,
) -> Result<(), Cancelled> {
    matches.reserve(pairs.len());
    let matched = |&(left, right, ambiguity): &Paired| matched(given, plan, [left, right], ambiguity);
    for pairs in pairs.chunks(CHUNK_MATCHES) {
        watch.ask()?;
        matches.par_extend(pairs.par_iter().map(matched));
    }
    Ok(())
}

fn matched(given: &Input<'_>, plan: &Plan<'_>, entries: [u32; 2], ambiguity: u32) -> Match {
    let (variance, status) = (measure::variance(given, entries), measure::status(plan.pass, ambiguity));
    let [left, right] = entries.map(|entry| Entries::from_slice(&[entry]));
    Match { pass: plan.number, status, ambiguity, left, right, variance }
}
