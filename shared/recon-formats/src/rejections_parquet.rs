//! Rejected rows as the store keeps them: of a dataset when it was read, and of a run.
//!
//! One line is one row: `side` (absent for a dataset), `row`, `line`, `column` (absent where the row as a whole cannot
//! be read), `reason`, `values` (the row's mapped cells as a JSON object), `raw` (the line as it stands in the file,
//! absent where its cells could be read). The lines of a run are the left ones before the right ones, each in file
//! order. A line's position is its place in the file, counted from 1.

mod read;
#[cfg(test)]
mod tests;
mod write;

use parquet::errors::ParquetError;
use recon_domain::Side;

use crate::{RejectedRow, Rejection};

pub use read::Reader;
pub use write::Writer;
pub(crate) use write::values_json;

/// Lines of a row group at most.
const LINES_PER_GROUP: usize = 16_384;
/// Bytes of texts after which a row group ends, so that neither side holds many long lines in memory.
const GROUP_BYTES: usize = 4 * 1024 * 1024;
/// The columns in their order.
pub(crate) const COLUMNS: [&str; 7] = ["side", "row", "line", "column", "reason", "values", "raw"];

/// Why stored rejections cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is damaged, or reading or writing failed.
    #[error("cannot read or write the stored rejections")]
    Parquet(#[from] ParquetError),
    /// The file was not written by [`Writer`].
    #[error("the stored rejections have no {0}")]
    Missing(&'static str),
}

/// A row that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The side of the run; `None` for a row that is rejected whatever it is compared with.
    pub side: Option<Side>,
    /// The row in its file, counted from 1 after the header.
    pub row: u64,
    /// The line on which it starts, counted from 1.
    pub line: u64,
    /// The column of the cell that does not fit; `None` where the row as a whole cannot be read.
    pub column: Option<String>,
    /// What does not fit.
    pub reason: String,
    /// The row's mapped cells as they stand in the file, by column; empty where it cannot be read.
    pub values: Vec<(String, String)>,
    /// The line as it stands in the file, cut where it is long; `None` where its cells could be read.
    pub raw: Option<String>,
}

impl Rejected {
    /// A row that a run rejected.
    #[must_use]
    pub fn of_run(side: Side, rejection: Rejection) -> Self {
        let Rejection { row, line, column, reason, values, raw } = rejection;
        Self { side: Some(side), row: row.into(), line, column, reason, values, raw }
    }

    /// The row on the wire.
    ///
    /// # Errors
    /// When it is of no run.
    pub fn into_wire(self) -> Result<recon_contract::Rejection, Error> {
        let Self { side, row, line, column, reason, values, raw } = self;
        let side = side.ok_or(Error::Missing("side"))?;
        let values = values.into_iter().map(|(name, cell)| (name, cell.into())).collect();
        Ok(recon_contract::Rejection { side, row, line, column, reason, values, raw })
    }
}

impl From<RejectedRow> for Rejected {
    /// A row that was rejected when its file was read.
    fn from(rejected: RejectedRow) -> Self {
        let RejectedRow { row, line, reason, raw } = rejected;
        Self { side: None, row: row.into(), line, column: None, reason, values: Vec::new(), raw }
    }
}
