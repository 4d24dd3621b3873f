//! The candidates of a block: pairs that satisfy a pass.
//!
//! Pairs are never tried one by one beyond a few: they are counted first, and looked for along the
//! tolerance that leaves fewest of them, or along two tolerances at once.

mod axis;

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::blocks::Block;
use crate::evaluate::{Judge, Pair, Scope};
use crate::number::narrow;
use crate::text::Scratch;
use axis::Search;

/// The most pairs of a block that are looked at. A block with more is left open.
pub(crate) const BLOCK_PAIRS_MAX: u64 = 1 << 28;

/// The most candidates of a block. A block with more is left open: memory is for them all.
pub(crate) const BLOCK_CANDIDATES_MAX: usize = 1 << 23;

/// Up to so many pairs, trying them all is quicker than sorting.
const SMALL_BLOCK_PAIRS: u64 = 64;

/// From so many left classes on, a block is worked on by all threads.
const WIDE_BLOCK_CLASSES: usize = 8_192;

/// How many left classes a thread takes at a time.
const CHUNK_CLASSES: usize = 1_024;

/// A candidate by the places of its classes in their block.
pub(crate) type Edge = (u32, u32);

/// The block was not looked at, because there is too much in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

/// Writes the candidates of a block into `edges`, in an order that depends on the block alone.
pub(crate) fn candidates(
    judge: Judge<'_>,
    block: Block<'_>,
    edges: &mut Vec<Edge>,
    scratch: &mut Scratch,
) -> Result<(), TooMany> {
    edges.clear();
    let search = if block.pairs() <= SMALL_BLOCK_PAIRS || judge.plan.windows.is_empty() {
        Search::all(block)
    } else {
        Search::best(judge, block)
    };
    if search.work() > BLOCK_PAIRS_MAX {
        return Err(TooMany);
    }
    let lefts = narrow(block.left.len());
    if block.left.len() < WIDE_BLOCK_CLASSES {
        return look(judge, block, &search, 0..lefts, edges, scratch);
    }
    let found = AtomicUsize::new(0);
    let starts: Vec<u32> = (0..lefts).step_by(CHUNK_CLASSES).collect();
    let chunks: Result<Vec<Vec<Edge>>, TooMany> = starts
        .into_par_iter()
        .map_init(Scratch::default, |scratch, start| {
            let mut edges = Vec::new();
            let end = start.saturating_add(narrow(CHUNK_CLASSES)).min(lefts);
            look(judge, block, &search, start..end, &mut edges, scratch)?;
            let total = found.fetch_add(edges.len(), Ordering::Relaxed) + edges.len();
            if total > BLOCK_CANDIDATES_MAX { Err(TooMany) } else { Ok(edges) }
        })
        .collect();
    edges.extend(chunks?.into_iter().flatten());
    Ok(())
}

/// Tries the pairs of these left classes that the search leaves.
fn look(
    judge: Judge<'_>,
    block: Block<'_>,
    search: &Search,
    lefts: std::ops::Range<u32>,
    edges: &mut Vec<Edge>,
    scratch: &mut Scratch,
) -> Result<(), TooMany> {
    let scope = Scope::Block { proven: search.proven() };
    for left in lefts {
        search.each(left, |right| {
            let pair = Pair { left: block.left_class(left), right: block.right_class(right) };
            if judge.evaluate(pair, scope, 0, scratch).is_some() {
                edges.push((left, right));
            }
        });
        if edges.len() > BLOCK_CANDIDATES_MAX {
            return Err(TooMany);
        }
    }
    Ok(())
}
