//! The candidates of a block: pairs that satisfy a pass.
//!
//! Pairs are never tried one by one beyond a few: they are counted first, and looked for along the
//! tolerance that leaves fewest of them, or along two tolerances at once.

mod axis;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::Cancelled;
use crate::blocks::Block;
use crate::evaluate::{Judge, Pair, Scope};
use crate::number::{count, narrow};
use crate::text::Scratch;
use axis::{STEP_PAIRS, Search, Seen};

/// The most pairs of a block that are looked at. A block with more is left open.
pub(crate) const BLOCK_PAIRS_MAX: u64 = 1 << 28;

/// The most candidates of a block, unless it has many classes. A block with more is left open: memory is for them
/// all, about eighty bytes each, and every thread may be at such a block.
pub(crate) const BLOCK_CANDIDATES_MAX: u64 = 1 << 21;

/// A block of very many classes may have so many candidates for each: it needs no more memory than they do.
pub(crate) const CLASS_CANDIDATES_MAX: u64 = 2;

/// Up to so many pairs, trying them all is quicker than sorting.
const SMALL_BLOCK_PAIRS: u64 = 64;

/// From so many pairs to look at on, a block is worked on by all threads.
const WIDE_BLOCK_PAIRS: u64 = 1 << 17;

/// About how many pairs a thread takes at a time, and at most how many left classes.
const CHUNK_PAIRS: u64 = 1 << 15;
/// See [`CHUNK_PAIRS`].
const CHUNK_CLASSES: u64 = 1_024;

/// So many candidates are counted at a time.
const COUNTED_TOGETHER: usize = 1_024;

/// A candidate by the places of its classes in their block.
pub(crate) type Edge = (u32, u32);

/// Why the candidates of a block are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// There is too much in it.
    TooMuch,
    Cancelled,
}

impl From<Cancelled> for Unfinished {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Writes the candidates of a block into `edges`, in an order that depends on the block alone.
pub(crate) fn candidates(
    judge: Judge<'_>,
    block: Block<'_>,
    edges: &mut Vec<Edge>,
    scratch: &mut Scratch,
) -> Result<(), Unfinished> {
    edges.clear();
    let search = if block.pairs() <= SMALL_BLOCK_PAIRS || judge.plan.windows.is_empty() {
        Search::all(block)
    } else {
        Search::best(judge, block)?
    };
    let work = search.work();
    if work > BLOCK_PAIRS_MAX {
        return Err(Unfinished::TooMuch);
    }
    let lefts = narrow(block.left.len());
    let budget = Budget::of(block);
    let look = Look { judge, block, search: &search, budget: &budget };
    if work < WIDE_BLOCK_PAIRS {
        return look.at(0..lefts, edges, scratch);
    }
    let chunk = (u64::from(lefts) * CHUNK_PAIRS / work).clamp(1, CHUNK_CLASSES);
    let starts: Vec<u32> = (0..lefts).step_by(usize::try_from(chunk).unwrap_or(1)).collect();
    let chunks: Result<Vec<Vec<Edge>>, Unfinished> = starts
        .par_iter()
        .enumerate()
        .map_init(Scratch::default, |scratch, (number, start)| {
            let mut edges = Vec::new();
            let end = starts.get(number + 1).copied().unwrap_or(lefts);
            judge.watch.ask()?;
            look.at(*start..end, &mut edges, scratch)?;
            Ok(edges)
        })
        .collect();
    edges.extend(chunks?.into_iter().flatten());
    // Each thread counted for itself.
    Ok(judge.watch.ask()?)
}

/// How many candidates all threads together may find in a block. Whether they find more depends on the block alone.
struct Budget {
    most: u64,
    found: AtomicU64,
}

impl Budget {
    fn of(block: Block<'_>) -> Self {
        let classes = count(block.left.len() + block.right.len());
        let most = BLOCK_CANDIDATES_MAX.max(classes.saturating_mul(CLASS_CANDIDATES_MAX));
        Self { most, found: AtomicU64::new(0) }
    }

    fn take(&self, candidates: usize) -> Result<(), Unfinished> {
        let more = count(candidates);
        let found = self.found.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        if found > self.most { Err(Unfinished::TooMuch) } else { Ok(()) }
    }
}

/// A block with the search for its candidates.
#[derive(Clone, Copy)]
struct Look<'a> {
    judge: Judge<'a>,
    block: Block<'a>,
    search: &'a Search,
    budget: &'a Budget,
}

impl Look<'_> {
    /// Tries the pairs of these left classes that the search leaves.
    fn at(self, lefts: Range<u32>, edges: &mut Vec<Edge>, scratch: &mut Scratch) -> Result<(), Unfinished> {
        let scope = Scope::Block { proven: self.search.proven() };
        let mut counted = edges.len();
        for left in lefts {
            let left_class = self.block.left_class(left);
            self.search.each(left, |seen| {
                let Seen::Right(right) = seen else {
                    scratch.work += STEP_PAIRS;
                    return Ok(());
                };
                let pair = Pair { left: left_class, right: self.block.right_class(right) };
                if self.judge.evaluate(pair, scope, 0, scratch).is_some() {
                    edges.push((left, right));
                    if edges.len() - counted == COUNTED_TOGETHER {
                        self.budget.take(COUNTED_TOGETHER)?;
                        counted = edges.len();
                    }
                }
                Ok(self.judge.go_on(scratch)?)
            })?;
        }
        self.budget.take(edges.len() - counted)
    }
}
