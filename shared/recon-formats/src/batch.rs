//! Rows as text: what stage one makes and stage two takes.

use recon_contract::{ColumnProfile, Dialect};

/// The cells of one column in one batch, in one piece of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextColumn {
    text: String,
    /// The end of each cell in `text`.
    ends: Vec<usize>,
}

impl TextColumn {
    /// A column without cells, with room for `cells` cells of `bytes` bytes together.
    #[must_use]
    pub fn with_capacity(cells: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ends: Vec::with_capacity(cells) }
    }

    /// Appends a cell.
    #[inline]
    pub fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// The cell at an index; the empty text beyond the end.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> &str {
        let start = if index == 0 { Some(0) } else { self.ends.get(index - 1).copied() };
        let end = self.ends.get(index).copied();
        start.zip(end).and_then(|(start, end)| self.text.get(start..end)).unwrap_or("")
    }

    /// All cells in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let cell = self.text.get(start..*end).unwrap_or("");
            start = *end;
            cell
        })
    }

    /// How many cells there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes the cells have together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The text of all cells without separators, and where each cell ends in it, in bytes.
    #[must_use]
    pub fn into_parts(self) -> (String, Vec<usize>) {
        (self.text, self.ends)
    }
}

/// A row that cannot be read, whatever its columns mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// The row, counted from 1 after the header together with the rows that can be read.
    pub row: u32,
    /// The line of the file on which it starts, counted from 1.
    pub line: u64,
    /// Why it cannot be read.
    pub reason: String,
    /// The line as it stands in the file, without its line end, cut after [`RAW_BYTES_MAX`](crate::RAW_BYTES_MAX)
    /// bytes; what is no text in it is shown as U+FFFD. `None` in datasets that were stored without it.
    pub raw: Option<String>,
}

/// Up to [`ROWS_PER_BATCH_MAX`](crate::ROWS_PER_BATCH_MAX) rows in file order.
///
/// `rows`, `lines`, `contents` and every column have one item for each readable row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextBatch {
    /// Row numbers, counted from 1 after the header; rejected rows leave gaps.
    pub rows: Vec<u32>,
    /// The line of the file on which each row starts, counted from 1.
    pub lines: Vec<u64>,
    /// A hash (XXH3, 128 bits) of all cells of each row, also of those that are not kept.
    pub contents: Vec<u128>,
    /// The kept columns.
    pub columns: Vec<TextColumn>,
    /// Rows of this stretch of the file that cannot be read.
    pub rejected: Vec<RejectedRow>,
}

impl TextBatch {
    /// How many readable rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is nothing in it: no readable row and no rejected one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.rejected.is_empty()
    }
}

/// Which columns batches hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// Every column, in file order.
    All,
    /// These columns, in this order.
    Columns(Vec<String>),
}

/// What all rows of a file together show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The columns that were looked at, in file order, with what fits them.
    pub columns: Vec<ColumnProfile>,
    /// How the file was read, and why.
    pub dialect: Dialect,
    /// Rows that can be read.
    pub rows: u64,
    /// Rows that cannot.
    pub rejected: u64,
}

impl Profile {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Why rows cannot be had from a source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The text of a file.
    #[error(transparent)]
    Text(#[from] crate::text_reader::Error),
    /// A stored dataset.
    #[error(transparent)]
    Dataset(#[from] crate::dataset_parquet::Error),
}

/// Rows from a file or from a stored dataset, batch by batch.
pub trait BatchSource: Send {
    /// The names of all columns, each once, in file order.
    fn header(&self) -> &[String];

    /// How the file was read, and why.
    fn dialect(&self) -> &Dialect;

    /// Restricts what batches hold from now on, and goes back to the first row.
    ///
    /// # Errors
    /// When there is no such column, or the source cannot be read.
    fn keep(&mut self, keep: &Keep) -> Result<(), SourceError>;

    /// What all rows show in the kept columns. Reads all rows where that is not known yet, and goes back
    /// to the first row then. `Ok(None)` when `watch` stopped it: it is told the [position](Self::position)
    /// now and then, and answers whether to go on.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn profile(&mut self, watch: &dyn Fn(u64, u64) -> bool) -> Result<Option<Profile>, SourceError>;

    /// The next rows; `None` after the last.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn next_batch(&mut self) -> Result<Option<TextBatch>, SourceError>;

    /// How far reading is, of how much, in a unit of the source's own.
    fn position(&self) -> (u64, u64);
}
