//! What attempts at reconciliations left behind that no client will ever see.

use crate::sqlite::Database;
use crate::{Error, ObjectError, Objects};

/// Breaks and objects of attempts that were not published and are over, or whose reconciliation is deleted.
#[derive(Clone)]
pub struct Leftovers {
    pub(crate) database: Database,
    pub(crate) objects: Objects,
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// How many breaks.
    pub breaks: u64,
    /// How many objects.
    pub objects: u64,
    /// Whether that was all there was.
    pub all: bool,
}

/// Why something was not removed. What was removed before stays removed.
#[derive(Debug, thiserror::Error)]
pub enum LeftoversError {
    /// The records.
    #[error(transparent)]
    Store(#[from] Error),
    /// The objects.
    #[error(transparent)]
    Object(#[from] ObjectError),
}
