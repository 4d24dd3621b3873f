//! Matches as the store keeps them: long form in a Parquet file, read back page by page.
//!
//! One line is one row of a match: `match` (counted from 1), `pass`, `status`, `ambiguity`, `side`, `row`, the
//! group `values` with a text for each role (absent where the cell is empty), `variance_amount`,
//! `variance_days`. A match never spans two row groups.

mod read;
mod write;

use parquet::errors::ParquetError;
use recon_contract::{RowValues, Variance};
use recon_domain::{MatchId, MatchStatus, ReconciliationId, Side};

pub use read::Reader;

/// Lines after which a row group ends with the match it is at.
const LINES_PER_GROUP: usize = 65_536;
/// Columns before the values.
const LEADING: usize = 6;

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
