//! How the rows of a pair of files are shared out, and their order.

use super::Side;
use crate::random::Random;
use crate::truth::{Done, Line};

/// What fills a row of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// The row of this record.
    Row(u32),
    /// A second copy of the row of this record.
    Copy(u32),
}

/// A thing that happened: both rows of a pair, or one row alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// Its number, unique in the pair of files.
    pub(super) number: u64,
    /// Its number among those with the same `done`, counted from 0.
    pub(super) ordinal: u64,
    /// What was done to it.
    pub(super) done: Done,
    /// Whether its left or its right row stands in the file twice.
    pub(super) copied: Option<Side>,
}

/// Records in runs of the same kind. Records that are copied are the first of the first run.
#[derive(Debug)]
pub(super) struct Layout {
    runs: Vec<(Done, u32)>,
    copies: u32,
}

impl Layout {
    /// Shares out `rows` a side: `shares` are ten-thousandths of pairs by what is done to them; the rest, and
    /// the first run, is exact. Each side gets as many copies, and as many rows without a counterpart.
    pub(super) fn new(rows: u64, shares: &[(Done, u64)], copies: u64, missing: u64) -> Self {
        let part = |share: u64| u32::try_from(rows * share / 10_000).unwrap_or(u32::MAX);
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        let (copies, missing) = (part(copies), part(missing));
        let mut runs: Vec<(Done, u32)> = shares.iter().map(|(done, share)| (*done, part(*share))).collect();
        let drifted: u32 = runs.iter().map(|(_, count)| count).sum();
        runs.insert(0, (Done::Exact, rows - copies - missing - drifted));
        runs.extend([(Done::MissingRight, missing), (Done::MissingLeft, missing)]);
        Self { runs, copies }
    }

    /// The record of a slot.
    pub(super) fn record(&self, slot: Slot) -> Record {
        let (Slot::Row(number) | Slot::Copy(number)) = slot;
        let mut ordinal = number;
        let mut done = Done::Exact;
        for (run, count) in &self.runs {
            done = *run;
            if ordinal < *count {
                break;
            }
            ordinal -= count;
        }
        let copied = match number / self.copies.max(1) {
            0 if self.copies > 0 => Some(Side::Left),
            1 if self.copies > 0 => Some(Side::Right),
            _ => None,
        };
        Record { number: u64::from(number), ordinal: u64::from(ordinal), done, copied }
    }

    /// The rows of one side in the order of its file.
    pub(super) fn order(&self, side: Side, seed: u64) -> Vec<Slot> {
        let (absent, first_copy, stream) = match side {
            Side::Left => (Done::MissingLeft, 0, 1),
            Side::Right => (Done::MissingRight, self.copies, 2),
        };
        let mut order = Vec::new();
        let mut next = 0;
        for (done, count) in &self.runs {
            if *done != absent {
                order.extend((next..next + count).map(Slot::Row));
            }
            next += count;
        }
        order.extend((first_copy..first_copy + self.copies).map(Slot::Copy));
        // Streams of rows begin at 0 with the record's number; orders count down from the top.
        Random::new(seed, u64::MAX - stream).shuffle(&mut order);
        order
    }

    /// The truth: pairs and lone rows in the order of the left file, then what only the right file has.
    pub(super) fn truth(&self, left: &[Slot], right: &[Slot]) -> Vec<Line> {
        let (left_rows, right_rows) = (self.rows(left), self.rows(right));
        let found = |rows: &[u32], number: u32| {
            rows.get(usize::try_from(number).unwrap_or(usize::MAX)).copied().filter(|row| *row > 0)
        };
        let mut lines = Vec::with_capacity(left.len() + right.len() / 8);
        for (slot, row) in left.iter().zip(1..) {
            let line = match *slot {
                Slot::Row(number) => Line {
                    left: Some(row),
                    right: found(&right_rows, number),
                    done: self.record(*slot).done,
                    twin: None,
                },
                Slot::Copy(number) => {
                    let twin = found(&left_rows, number);
                    Line { left: Some(row), right: None, done: Done::DuplicateLeft, twin }
                }
            };
            lines.push(line);
        }
        for (slot, row) in right.iter().zip(1..) {
            let line = match *slot {
                Slot::Row(number) if found(&left_rows, number).is_none() => {
                    Line { left: None, right: Some(row), done: self.record(*slot).done, twin: None }
                }
                Slot::Row(_) => continue,
                Slot::Copy(number) => {
                    let twin = found(&right_rows, number);
                    Line { left: None, right: Some(row), done: Done::DuplicateRight, twin }
                }
            };
            lines.push(line);
        }
        lines
    }

    /// The row of each record's own slot, by its number; 0 where this side has none.
    fn rows(&self, order: &[Slot]) -> Vec<u32> {
        let records: u32 = self.runs.iter().map(|(_, count)| count).sum();
        let mut rows = vec![0; usize::try_from(records).unwrap_or(0)];
        for (slot, row) in order.iter().zip(1..) {
            if let Slot::Row(number) = slot {
                rows[usize::try_from(*number).unwrap_or(0)] = row;
            }
        }
        rows
    }
}
