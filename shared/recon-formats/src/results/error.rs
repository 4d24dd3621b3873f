//! Why results cannot be written.

use std::io;

use super::{Unreadable, matches_parquet};
use crate::rejections_parquet;

/// Why results cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Writing failed, or reading what is stored.
    #[error("cannot write results")]
    Io(#[from] io::Error),
    /// The stored matches.
    #[error(transparent)]
    Matches(#[from] matches_parquet::Error),
    /// The stored rejections.
    #[error(transparent)]
    Rejections(#[from] rejections_parquet::Error),
    /// A Parquet file.
    #[error("cannot write a Parquet file")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A stored break.
    #[error(transparent)]
    Break(#[from] Unreadable),
}
