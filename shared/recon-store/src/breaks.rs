//! Breaks: the rows that a run left over.

use std::iter::Fuse;

use recon_domain::{BreakId, BreakKind, BreakStatus, ReconciliationId, Side};

use crate::database::Database;
use crate::{Error, Json};

/// The most breaks of one transaction, so that it stays short.
pub const BREAKS_PER_BATCH_MAX: usize = 5_000;
/// The bytes of bodies at which a batch of breaks is full: rows may be long, and who writes keeps all others waiting.
pub const BREAK_BATCH_BYTES: usize = 1024 * 1024;
/// The most breaks of one page.
pub const BREAKS_PER_PAGE_MAX: u32 = 500;
/// The bytes of bodies at which a page of breaks is full, so that memory does not grow with the length of rows.
pub const BREAK_PAGE_BYTES: usize = 1024 * 1024;

/// A break that a run found.
#[derive(Debug, Clone)]
pub struct NewBreak {
    /// The id, derived from reconciliation, side and row.
    pub id: BreakId,
    /// The side.
    pub side: Side,
    /// The row in its file.
    pub row: u32,
    /// Why it is left over.
    pub kind: BreakKind,
    /// Its values, its nearest candidate, its twin.
    pub body: Json,
}

/// A break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakRecord {
    /// The id.
    pub id: BreakId,
    /// The reconciliation.
    pub reconciliation: ReconciliationId,
    /// The side.
    pub side: Side,
    /// The row in its file.
    pub row: u32,
    /// Why it is left over.
    pub kind: BreakKind,
    /// Its values, its nearest candidate, its twin.
    pub body: Json,
    /// Where people stand with it.
    pub status: BreakStatus,
    /// Goes up with every change.
    pub version: u64,
}

/// Which breaks a list shows; what is `None` does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BreakFilter {
    /// Only of this side.
    pub side: Option<Side>,
    /// Only of this kind.
    pub kind: Option<BreakKind>,
    /// Only of this status.
    pub status: Option<BreakStatus>,
}

/// A place in the list of a reconciliation's breaks, which is ordered by side and row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BreakPlace {
    /// The side.
    pub side: Side,
    /// The row.
    pub row: u32,
}

/// Where a page begins and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakSeek {
    /// The page begins after this place; at the start where `None`.
    pub after: Option<BreakPlace>,
    /// How many breaks it has at most, cut to [`BREAKS_PER_PAGE_MAX`].
    pub limit: u32,
}

/// A page of breaks. It ends early with the break that makes it [`BREAK_PAGE_BYTES`] long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakPage {
    /// The breaks.
    pub items: Vec<BreakRecord>,
    /// The place of the last one, if more follow.
    pub next: Option<BreakPlace>,
}

/// The table of breaks.
#[derive(Clone)]
pub struct Breaks {
    pub(crate) database: Database,
}

/// Breaks in batches, each for one short transaction.
///
/// A batch ends with the break that makes it [`BREAKS_PER_BATCH_MAX`] breaks or [`BREAK_BATCH_BYTES`] bytes long.
#[derive(Debug)]
pub struct BreakBatches<I: Iterator> {
    breaks: Fuse<I>,
}

impl<I: Iterator<Item = Result<NewBreak, Error>>> BreakBatches<I> {
    /// Cuts these breaks into batches, as they are asked for.
    pub fn of(breaks: impl IntoIterator<IntoIter = I>) -> Self {
        Self { breaks: breaks.into_iter().fuse() }
    }
}

impl<I: Iterator<Item = Result<NewBreak, Error>>> Iterator for BreakBatches<I> {
    type Item = Result<Vec<NewBreak>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BREAKS_PER_BATCH_MAX && bytes < BREAK_BATCH_BYTES {
            match self.breaks.next() {
                None => break,
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(found)) => {
                    bytes += found.body.as_str().len();
                    batch.push(found);
                }
            }
        }
        (!batch.is_empty()).then_some(Ok(batch))
    }
}

impl BreakRecord {
    /// Its place in the list.
    #[must_use]
    pub fn place(&self) -> BreakPlace {
        BreakPlace { side: self.side, row: self.row }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn check(body_bytes: usize, count: u32, lengths: &[usize]) {
        let reconciliation = ReconciliationId::from_uuid(Uuid::from_u128(1));
        let found = (1..=count).map(|row| {
            let body = Json::of(&"x".repeat(body_bytes - 2))?;
            let id = BreakId::derive(reconciliation, Side::Left, row);
            Ok(NewBreak { id, side: Side::Left, row, kind: BreakKind::MissingRight, body })
        });
        let batches: Vec<_> = BreakBatches::of(found).map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
        let rows = batches.iter().flatten().map(|found| found.row);
        assert!(rows.eq(1..=count), "each break once, in order");
    }

    #[test]
    fn a_batch_ends_at_its_rows_or_at_its_bytes() {
        check(2, 0, &[]);
        check(2, 12_000, &[5_000, 5_000, 2_000]);
        check(BREAK_BATCH_BYTES / 4, 9, &[4, 4, 1]);
        check(2 * BREAK_BATCH_BYTES, 2, &[1, 1]);
    }
}
