#![doc = include_str!("../README.md")]

mod anywhere;
mod batch;
pub mod cell;
mod csv_line;
pub mod dataset_parquet;
mod dialect;
mod encoding;
pub mod mapping;
mod parquet_columns;
mod profile;
pub mod rejections_parquet;
pub mod results;
mod split;
pub mod text_reader;

pub use anywhere::ReadAnywhere;
pub use batch::{BatchSource, Keep, Profile, RejectedRow, SourceError, TextBatch, TextColumn};
pub use mapping::{Mapped, Reading, Rejection};
pub use text_reader::TextReader;

/// The most data rows of a file, rejected ones included.
pub const ROWS_MAX: u32 = i32::MAX.unsigned_abs();
/// The most columns of a file.
pub const COLUMNS_MAX: usize = 1_024;
/// The most bytes of one cell, in UTF-8.
pub const CELL_BYTES_MAX: usize = 64 * 1024;
/// The most bytes of one row, in UTF-8 and with its quotes and delimiters.
pub const ROW_BYTES_MAX: usize = 1024 * 1024;
/// The most lines that quoted cells may stretch one row over.
pub const ROW_LINES_MAX: u64 = 1_000;
/// The most bytes that are kept of a line that cannot be read; a longer one ends with `…` after them.
pub const RAW_BYTES_MAX: usize = 1_024;
/// The most rows of one batch, rejected ones included.
pub const ROWS_PER_BATCH_MAX: usize = 65_536;
