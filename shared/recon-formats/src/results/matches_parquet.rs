//! Matches in Parquet: what the store keeps and pages through, and a result file that others read.
//!
//! Long form, one line is one row of a match: `match` (counted from 1), `pass`, `status`, `ambiguity`, `side`, `row`,
//! the shown columns, `variance_amount`, `variance_days`. Counts and rows are `INT64`, numbers `DECIMAL(38, scale)`,
//! dates `DATE`, points in time `TIMESTAMP` in UTC, the rest text; a cell that is empty is absent. A match never spans
//! two row groups.

mod lines;
mod read;
#[cfg(test)]
mod tests;
mod write;

use parquet::errors::ParquetError;
use recon_contract::{RowValues, Variance};
use recon_domain::{MatchId, MatchStatus, ReconciliationId, Side};

pub(super) use lines::LinesMatch;
pub use read::Reader;

/// Columns before the shown ones.
pub(super) const LEADING: [&str; 6] = ["match", "pass", "status", "ambiguity", "side", "row"];
/// Columns after the shown ones.
pub(super) const TRAILING: [&str; 2] = ["variance_amount", "variance_days"];

/// Why stored matches cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is damaged, or reading or writing failed.
    #[error("cannot read or write the stored matches")]
    Parquet(#[from] ParquetError),
    /// The file was not written by [`Results::write_matches_parquet`](super::Results::write_matches_parquet).
    #[error("the stored matches have no {0}")]
    Missing(&'static str),
}

/// Which matches are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Those of the pass of this name.
    pub pass: Option<String>,
    /// Those of this status.
    pub status: Option<MatchStatus>,
}

/// A match as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMatch {
    /// Its number, counted from 1: the position that the next page goes on after.
    pub number: u64,
    /// The name of its pass.
    pub pass: String,
    /// Whether a person must judge it.
    pub status: MatchStatus,
    /// How many other candidates of its rows could have taken its place equally well.
    pub ambiguity: u64,
    /// Its left rows.
    pub left: Vec<RowValues>,
    /// Its right rows.
    pub right: Vec<RowValues>,
    /// Right minus left.
    pub variance: Variance,
}

impl StoredMatch {
    /// The match on the wire, as the run left it.
    #[must_use]
    pub fn into_wire(self, reconciliation: ReconciliationId) -> recon_contract::Match {
        let row = self.left.first().and_then(|row| u32::try_from(row.row).ok()).unwrap_or(0);
        recon_contract::Match {
            id: MatchId::derive(reconciliation, Side::Left, row),
            version: 1,
            pass: self.pass,
            status: self.status,
            ambiguity: self.ambiguity,
            left: self.left,
            right: self.right,
            variance: self.variance,
        }
    }
}
