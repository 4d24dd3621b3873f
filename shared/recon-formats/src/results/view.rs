//! Matches and breaks as the writers of result files see them, wherever they come from.

use recon_domain::Side;
use recon_engine::{Break, Match};

use super::Results;
use super::cells::Datum;

/// A match.
pub(super) trait MatchView {
    /// Counted from 1.
    fn number(&self) -> u64;
    fn pass(&self) -> &str;
    fn status(&self) -> &str;
    fn ambiguity(&self) -> u64;
    /// How many rows of this side it has.
    fn rows(&self, side: Side) -> usize;
    /// The row in its file.
    fn row(&self, side: Side, at: usize) -> u64;
    fn datum(&self, side: Side, at: usize, column: usize) -> Datum<'_>;
    fn amount_variance(&self) -> Datum<'_>;
    fn days_variance(&self) -> Option<i32>;
}

/// A break.
pub(super) trait BreakView {
    fn side(&self) -> Side;
    fn kind(&self) -> &str;
    /// The row in its file.
    fn row(&self) -> u64;
    fn datum(&self, column: usize) -> Datum<'_>;
    fn nearest_row(&self) -> Option<u64>;
    /// What the nearest candidate fails, in words; `None` without one.
    fn failed(&self) -> Option<String>;
    fn cause(&self) -> Option<&str>;
}

/// A match of an outcome.
pub(super) struct TableMatch<'a> {
    pub(super) results: &'a Results<'a>,
    pub(super) found: &'a Match,
    pub(super) number: u64,
}

impl TableMatch<'_> {
    fn entries(&self, side: Side) -> &[u32] {
        match side {
            Side::Left => &self.found.left,
            Side::Right => &self.found.right,
        }
    }

    fn entry(&self, side: Side, at: usize) -> u32 {
        self.entries(side).get(at).copied().unwrap_or(u32::MAX)
    }
}

impl MatchView for TableMatch<'_> {
    fn number(&self) -> u64 {
        self.number
    }

    fn pass(&self) -> &str {
        self.results.pass_name(self.found.pass)
    }

    fn status(&self) -> &str {
        self.found.status.as_str()
    }

    fn ambiguity(&self) -> u64 {
        self.found.ambiguity.into()
    }

    fn rows(&self, side: Side) -> usize {
        self.entries(side).len()
    }

    fn row(&self, side: Side, at: usize) -> u64 {
        self.results.row(side, self.entry(side, at)).into()
    }

    fn datum(&self, side: Side, at: usize, column: usize) -> Datum<'_> {
        self.results.datum(side, self.entry(side, at), column)
    }

    fn amount_variance(&self) -> Datum<'_> {
        let scale = self.results.amount_scale();
        self.found.variance.amount.map_or(Datum::Empty, |units| Datum::Number { units, scale })
    }

    fn days_variance(&self) -> Option<i32> {
        self.found.variance.days
    }
}

/// A break of an outcome.
pub(super) struct TableBreak<'a> {
    pub(super) results: &'a Results<'a>,
    pub(super) found: &'a Break,
}

impl BreakView for TableBreak<'_> {
    fn side(&self) -> Side {
        self.found.side
    }

    fn kind(&self) -> &str {
        self.found.kind.as_str()
    }

    fn row(&self) -> u64 {
        self.results.row(self.found.side, self.found.entry).into()
    }

    fn datum(&self, column: usize) -> Datum<'_> {
        self.results.datum(self.found.side, self.found.entry, column)
    }

    fn nearest_row(&self) -> Option<u64> {
        let nearest = self.found.nearest.as_ref()?;
        Some(self.results.row(self.found.side.other(), nearest.entry).into())
    }

    fn failed(&self) -> Option<String> {
        let nearest = self.found.nearest.as_ref()?;
        Some(failed_text(&self.results.failed(self.found, nearest)))
    }

    fn cause(&self) -> Option<&str> {
        self.found.nearest.as_ref()?.cause.map(|cause| cause.as_str())
    }
}

/// Conditions that fail, in words: `within:amount by 5.75; equal:memo`.
pub(super) fn failed_text(failed: &[recon_contract::FailedCondition]) -> String {
    let words = failed.iter().map(|failed| match &failed.by {
        Some(by) => format!("{} by {by}", failed.condition),
        None => failed.condition.clone(),
    });
    words.collect::<Vec<_>>().join("; ")
}
