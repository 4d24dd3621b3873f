//! Datasets on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a column's cells read: for each type or format, how many non-empty cells fit it.
///
/// Keys are `decimal`, `decimal,` and `decimal.` (by decimal mark), `integer`, `date:dmy`, `date:mdy`, `date:ymd`,
/// `timestamp`, `currency`, `empty`.
pub type Fits = BTreeMap<String, u64>;

/// A column of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// The name in the header.
    pub name: String,
    /// Which types and formats fit how many cells.
    pub fits: Fits,
    /// A few cells, as they stand in the file.
    pub samples: Vec<String>,
}

/// How a file was read, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// The format: `csv`.
    pub format: String,
    /// The encoding's WHATWG label.
    pub encoding: String,
    /// The delimiter.
    pub delimiter: String,
    /// The quote.
    pub quote: String,
    /// The line of the header, counted from 1; 0 where there is none.
    pub header_row: u32,
    /// Sentences that say what was decided, and from what.
    pub evidence: Vec<String>,
}
