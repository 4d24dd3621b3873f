//! Which rows of a large side are looked at.

use std::collections::{BinaryHeap, HashSet};

use recon_formats::TextBatch;
use twox_hash::XxHash3_128;

use crate::kind::{Kind, KindOf};
use crate::read;

/// The share of a column's cells that must be different for it to look like a key, in ten-thousandths.
const KEY_DISTINCT_MIN: usize = 5_000;
/// Rows that have none of the wanted values come after all that have one.
const UNWANTED: u64 = 1 << 63;

/// Which rows are taken.
#[derive(Debug)]
pub(super) enum Choice {
    /// Every row.
    All,
    /// Those whose rank is at most this.
    Ranked { ranker: Ranker, threshold: u64 },
}

impl Choice {
    pub(super) fn has(&self, batch: &TextBatch, row: usize) -> bool {
        match self {
            Self::All => true,
            Self::Ranked { ranker, threshold } => ranker.rank(batch, row) <= *threshold,
        }
    }

    /// The rank above which no row is taken.
    pub(super) const fn threshold(&self) -> u64 {
        match self {
            Self::All => u64::MAX,
            Self::Ranked { threshold, .. } => *threshold,
        }
    }

    /// The same choice with ranks up to `threshold` only.
    pub(super) fn below(self, threshold: u64) -> Self {
        match self {
            Self::All => Self::All,
            Self::Ranked { ranker, .. } => Self::Ranked { ranker, threshold },
        }
    }
}

/// Ranks rows: the smallest hash of a value in a column that looks like a key.
#[derive(Debug)]
pub(super) struct Ranker {
    kinds: Vec<KindOf>,
    /// The columns that look like keys; known after the first batch.
    keys: Option<Vec<usize>>,
    wanted: Option<HashSet<u64>>,
}

impl Ranker {
    const fn new(kinds: Vec<KindOf>, wanted: Option<HashSet<u64>>) -> Self {
        Self { kinds, keys: None, wanted }
    }

    /// Decides which columns look like keys, from the first rows.
    fn learn(&mut self, batch: &TextBatch) {
        if self.keys.is_some() || batch.rows.is_empty() {
            return;
        }
        let is_key = |column: &usize| {
            let hashes: Vec<u64> =
                (0..batch.len()).filter_map(|row| self.hash(batch, row, *column)).collect();
            let distinct: HashSet<u64> = hashes.iter().copied().collect();
            !hashes.is_empty() && distinct.len() * 10_000 >= hashes.len() * KEY_DISTINCT_MIN
        };
        self.keys = Some((0..self.kinds.len().min(batch.columns.len())).filter(is_key).collect());
    }

    fn hash(&self, batch: &TextBatch, row: usize, column: usize) -> Option<u64> {
        let (kind, cell) = (&self.kinds[column], batch.columns[column].get(row));
        match kind.kind {
            // Dates repeat, and the same one says little.
            Kind::Day | Kind::Currency | Kind::Empty => None,
            Kind::Number => {
                let size = read::number(cell, kind.marks)?.unsigned_abs();
                (size > 0).then(|| hash(&size.to_le_bytes()))
            }
            Kind::Text => {
                let plain: String = cell.chars().filter(|letter| letter.is_alphanumeric()).collect();
                (!plain.is_empty()).then(|| hash(plain.to_uppercase().as_bytes()))
            }
        }
    }

    fn hashes<'a>(&'a self, batch: &'a TextBatch, row: usize) -> impl Iterator<Item = u64> + 'a {
        let keys = self.keys.as_deref().unwrap_or_default();
        keys.iter().filter_map(move |column| self.hash(batch, row, *column))
    }

    fn rank(&self, batch: &TextBatch, row: usize) -> u64 {
        let Some(wanted) = &self.wanted else {
            let content = hash(&batch.contents[row].to_le_bytes());
            return self.hashes(batch, row).min().unwrap_or(content);
        };
        let found = self.hashes(batch, row).filter(|hash| wanted.contains(hash)).min();
        found.map_or_else(|| hash(&batch.contents[row].to_le_bytes()) | UNWANTED, |found| found & !UNWANTED)
    }
}

/// Finds the rank up to which rows are taken.
pub(super) struct Builder {
    ranker: Ranker,
    rows_max: usize,
    /// The smallest ranks so far.
    smallest: BinaryHeap<u64>,
}

impl Builder {
    pub(super) fn new(kinds: Vec<KindOf>, rows_max: usize, wanted: Option<HashSet<u64>>) -> Self {
        Self { ranker: Ranker::new(kinds, wanted), rows_max, smallest: BinaryHeap::new() }
    }

    pub(super) fn add(&mut self, batch: &TextBatch) {
        self.ranker.learn(batch);
        for row in 0..batch.len() {
            self.smallest.push(self.ranker.rank(batch, row));
            if self.smallest.len() > self.rows_max {
                self.smallest.pop();
            }
        }
    }

    pub(super) fn finish(self) -> Choice {
        let full = self.smallest.len() == self.rows_max;
        let threshold = if full { self.smallest.peek().copied().unwrap_or(u64::MAX) } else { u64::MAX };
        Choice::Ranked { ranker: self.ranker, threshold }
    }
}

/// The hashes of a small side's values that look like keys.
pub(super) struct Hashes {
    ranker: Ranker,
    found: HashSet<u64>,
}

impl Hashes {
    pub(super) fn new(kinds: Vec<KindOf>) -> Self {
        Self { ranker: Ranker::new(kinds, None), found: HashSet::new() }
    }

    pub(super) fn add(&mut self, batch: &TextBatch) {
        self.ranker.learn(batch);
        for row in 0..batch.len() {
            self.found.extend(self.ranker.hashes(batch, row));
        }
    }

    pub(super) fn finish(self) -> HashSet<u64> {
        self.found
    }
}

fn hash(bytes: &[u8]) -> u64 {
    u64::try_from(XxHash3_128::oneshot(bytes) >> 64).unwrap_or(u64::MAX)
}
