//! One pass over what is open: from classes to pairings.
//!
//! Partitions are worked on in any order by any thread; what comes out is put together in their order,
//! which depends on the keys of their blocks alone.

use rayon::prelude::*;
use recon_domain::{Ambiguous, Cardinality, Limits, Similar};

use crate::Cancelled;
use crate::assign::{Assignment, Pairing, Quality};
use crate::blocks::{Block, Keyed, Partition, Partitions, keys};
use crate::candidates::{Edge, Unfinished, candidates};
use crate::components::Components;
use crate::evaluate::Judge;
use crate::input::{Input, LEFT, RIGHT};
use crate::number::{count, index};
use crate::open::Open;
use crate::plan::Plan;
use crate::progress::Watch;
use crate::text::{Scratch, Words};

/// What a pass did.
#[derive(Debug, Default)]
pub(crate) struct PassOutcome {
    /// What it matched, to be taken in this order.
    pub(crate) pairings: Vec<Pairing>,
    /// Candidates, by left and right class, that were left open because the pass forbids ambiguity.
    pub(crate) forbidden: Vec<(u32, u32)>,
    /// Blocks that were left open, and how far the assignment may be from the best.
    pub(crate) limits: Limits,
}

/// Runs one pass over what is open.
///
/// Only passes of one with one get this far: the rule document refuses the others until they are
/// built. They will differ from here on in how they make candidates and pairings of a block.
pub(crate) fn run(
    input: &Input<'_>,
    plan: &Plan<'_>,
    open: &Open,
    words: &mut Words,
    watch: &Watch<'_>,
) -> Result<PassOutcome, Cancelled> {
    if plan.pass.cardinality != Cardinality::OneToOne {
        return Ok(PassOutcome::default());
    }
    let classes = [LEFT, RIGHT].map(|side| {
        let classes = open.classes(side).into_par_iter();
        classes.filter(|class| plan.takes(input, side, *class)).collect::<Vec<u32>>()
    });
    watch.ask()?;
    learn(input, plan, [&classes[LEFT], &classes[RIGHT]], words, watch)?;
    let roles: Vec<usize> = plan.equal.iter().map(|(_, role)| *role).collect();
    let keyed = keys(input, &roles, true, [&classes[LEFT], &classes[RIGHT]], watch)?;
    drop(classes);
    let mut partitions = Partitions::of(keyed);
    watch.ask()?;
    let judge = Judge { input, plan, words, watch };
    let parts: Result<Vec<PassOutcome>, Cancelled> = partitions
        .iter_mut()
        .into_par_iter()
        .map_init(Room::default, |room, partition| {
            watch.ask()?;
            room.partition(judge, open, partition)
        })
        .collect();
    watch.ask()?;
    Ok(merged(parts?))
}

/// Takes apart the texts that this pass compares by words.
pub(crate) fn learn(
    input: &Input<'_>,
    plan: &Plan<'_>,
    classes: [&[u32]; 2],
    words: &mut Words,
    watch: &Watch<'_>,
) -> Result<(), Cancelled> {
    let by_words = |similar: &&Similar| similar.measure == recon_domain::Measure::TokenSet;
    for role in plan.pass.similar.iter().filter(by_words).map(|similar| similar.role.index()) {
        for (side, classes) in classes.iter().enumerate() {
            let column = input.column(side, role);
            let ids = classes.iter().map(|class| column.text_id(index(*class)));
            words.learn(input.texts, ids, watch)?;
        }
    }
    Ok(())
}

/// Fetches what the candidates of a partition are judged by: blocks hold classes from all over the table.
fn fetch(judge: Judge<'_>, side: usize, classes: &[Keyed]) {
    for role in judge.plan.windows.iter().map(|window| window.role) {
        judge.input.column(side, role).fetch(classes.iter().map(|(_, class)| *class));
    }
}

fn merged(parts: Vec<PassOutcome>) -> PassOutcome {
    let mut whole = PassOutcome::default();
    whole.pairings.reserve_exact(parts.iter().map(|part| part.pairings.len()).sum());
    for part in parts {
        whole.pairings.extend(part.pairings);
        whole.forbidden.extend(part.forbidden);
        whole.limits.skipped_blocks += part.limits.skipped_blocks;
        whole.limits.bounded_components += part.limits.bounded_components;
        whole.limits.gap = whole.limits.gap.saturating_add(part.limits.gap);
    }
    whole
}

/// What a thread needs to work on blocks, kept from one to the next.
#[derive(Debug, Default)]
struct Room {
    edges: Vec<Edge>,
    components: Components,
    assignment: Assignment,
    texts: Scratch,
}

impl Room {
    fn partition(
        &mut self,
        judge: Judge<'_>,
        open: &Open,
        mut partition: Partition<'_>,
    ) -> Result<PassOutcome, Cancelled> {
        partition.sort();
        fetch(judge, LEFT, partition.left);
        fetch(judge, RIGHT, partition.right);
        let mut outcome = PassOutcome::default();
        outcome.pairings.reserve(partition.left.len().min(partition.right.len()));
        for block in partition.blocks() {
            judge.watch.after(&mut self.texts.work, count(block.left.len() + block.right.len()))?;
            self.block(judge, open, block, &mut outcome)?;
        }
        Ok(outcome)
    }

    fn block(
        &mut self,
        judge: Judge<'_>,
        open: &Open,
        block: Block<'_>,
        outcome: &mut PassOutcome,
    ) -> Result<(), Cancelled> {
        match candidates(judge, block, &mut self.edges, &mut self.texts) {
            Ok(()) => {}
            Err(Unfinished::TooMuch) => {
                outcome.limits.skipped_blocks += 1;
                return Ok(());
            }
            Err(Unfinished::Cancelled) => return Err(Cancelled),
        }
        if self.edges.is_empty() {
            return Ok(());
        }
        let assignment = &mut self.assignment;
        assignment.begin(block, |side, class| open.of(side, class));
        let pairings = &mut outcome.pairings;
        let sizes = [block.left.len(), block.right.len()];
        self.components.split(sizes, &self.edges, |edge| pairings.push(assignment.single(block, edge)));
        for component in self.components.iter() {
            let take = |pairing| pairings.push(pairing);
            let quality = assignment.component(judge, block, component, &mut self.texts, take)?;
            if let Quality::Within(gap) = quality {
                outcome.limits.bounded_components += 1;
                let gap = i128::try_from(gap).unwrap_or(i128::MAX);
                outcome.limits.gap = outcome.limits.gap.saturating_add(gap);
            }
            if judge.plan.pass.ambiguous == Ambiguous::Forbid {
                let edges = assignment.left_open(component);
                let classes = edges.map(|(left, right)| (block.left_class(left), block.right_class(right)));
                outcome.forbidden.extend(classes);
            }
        }
        Ok(())
    }
}
