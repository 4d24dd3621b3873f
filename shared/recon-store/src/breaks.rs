//! Breaks: the rows that a run left over.

use recon_domain::{BreakId, BreakKind, BreakStatus, ReconciliationId, Side};

use crate::Json;
use crate::sqlite::Database;

/// The most breaks that one call inserts, so that a transaction stays short.
pub const BREAKS_PER_BATCH_MAX: usize = 5_000;
/// The most breaks of one page.
pub const BREAKS_PER_PAGE_MAX: u32 = 500;

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

/// A page of breaks.
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

impl BreakRecord {
    /// Its place in the list.
    #[must_use]
    pub fn place(&self) -> BreakPlace {
        BreakPlace { side: self.side, row: self.row }
    }
}
