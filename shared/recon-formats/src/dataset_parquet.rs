//! A dataset as it is stored: the rows of stage one in a Parquet file.
//!
//! One row group is one batch. The group `row` holds `number`, `line`, `content` (the hash, 16 bytes, big
//! endian), `rejected` (the reason; empty for a row that can be read) and `raw` (the line of a rejected row; not in
//! files of older versions), the group `cells` one text column for each column of the file, under its name. Rejected
//! rows stand after the others of their batch, with empty cells. The [`Profile`](crate::Profile) is in the file's metadata.

mod page;
mod read;
mod write;

use parquet::errors::ParquetError;
use recon_contract::{ColumnProfile, Dialect};
use serde::{Deserialize, Serialize};

pub use page::StoredRow;
pub use read::Reader;
pub use write::Writer;

/// The metadata key of the profile.
const PROFILE_KEY: &str = "recon.profile";
/// The groups of columns.
const ROW_GROUP: &str = "row";
const CELLS_GROUP: &str = "cells";
/// The columns of the group `row`, in their order.
mod row_column {
    pub(super) const NUMBER: usize = 0;
    pub(super) const LINE: usize = 1;
    pub(super) const CONTENT: usize = 2;
    pub(super) const REJECTED: usize = 3;
    pub(super) const RAW: usize = 4;
}

/// Why a stored dataset cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is damaged, or reading or writing failed.
    #[error("cannot read or write the stored dataset")]
    Parquet(#[from] ParquetError),
    /// The file was not written by [`Writer`].
    #[error("the stored dataset has no {0}")]
    Missing(&'static str),
    /// A column that was asked for is not there.
    #[error("there is no column `{0}`")]
    NoColumn(String),
    /// A batch has not as many columns as the header.
    #[error("a batch of {found} columns does not fit a header of {expected}")]
    Columns {
        /// Columns of the batch.
        found: usize,
        /// Columns of the header.
        expected: usize,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredProfile {
    columns: Vec<ColumnProfile>,
    dialect: Dialect,
    rows: u64,
    rejected: u64,
}
