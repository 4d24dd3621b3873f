//! What a run amounts to.

use crate::{BreakKind, Currency};

/// Rows of one side. `rows` = `matched` + `suggested` + `broken`; rejected rows stand beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SideCounts {
    /// Entries.
    pub rows: u64,
    /// Rows of the file that could not become entries.
    pub rejected: u64,
    /// Entries in confirmed matches.
    pub matched: u64,
    /// Entries in suggested matches.
    pub suggested: u64,
    /// Entries that are breaks.
    pub broken: u64,
}

/// Matches of one pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassCount {
    /// The name of the pass.
    pub pass: String,
    /// Confirmed matches.
    pub confirmed: u64,
    /// Suggested matches.
    pub suggested: u64,
}

/// Sums of one side in one currency, in units at [`Summary::amount_scale`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SideAmounts {
    /// Of all entries.
    pub input: i128,
    /// Of entries in confirmed matches.
    pub matched: i128,
    /// Of entries in suggested matches.
    pub suggested: i128,
    /// Of breaks.
    pub broken: i128,
}

/// Sums of both sides in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlTotals {
    /// The currency.
    pub currency: Currency,
    /// The left and the right side.
    pub sides: [SideAmounts; 2],
}

/// A share of rows in ten-thousandths, rounded down; 0 of no rows at all, of which nothing can be said to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatchRate(pub u16);

/// Where a run stopped looking, so that nothing is left out silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Blocks with too many candidate pairs to look at, whose entries were left open.
    pub skipped_blocks: u64,
    /// Components too large for an exact assignment.
    pub bounded_components: u64,
    /// How far those may be from the best assignment, summed, in units of the first cost.
    pub gap: i128,
}

/// What a run amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Rows of the left and the right side.
    pub sides: [SideCounts; 2],
    /// Matches by pass, in the order of the passes.
    pub by_pass: Vec<PassCount>,
    /// Rows by kind of break, only kinds that occur, in the order of [`BreakKind::ALL`].
    pub breaks: Vec<(BreakKind, u64)>,
    /// Amounts by currency, sorted; empty where no amount is mapped.
    pub control_totals: Vec<ControlTotals>,
    /// Digits after the point of every amount here.
    pub amount_scale: u8,
    /// Where the run stopped looking.
    pub limits: Limits,
    /// The digest of the result, `v1:` and 64 hex digits.
    pub digest: String,
}

impl SideCounts {
    /// Matched rows as a share of all rows. Suggestions do not count.
    #[must_use]
    pub fn match_rate(&self) -> MatchRate {
        let share = (self.matched * 10_000).checked_div(self.rows).unwrap_or(0);
        MatchRate(u16::try_from(share).unwrap_or(10_000))
    }
}

impl std::fmt::Display for MatchRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:04}", self.0 / 10_000, self.0 % 10_000)
    }
}
