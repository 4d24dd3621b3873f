//! What attempts at reconciliations left behind that no client will ever see.

use crate::database::Database;
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

/// What was removed, and what could not be.
#[derive(Debug)]
pub(crate) struct Cleared {
    pub(crate) removed: Removed,
    /// Why objects are left over: the first cause, or nothing.
    pub(crate) left: Option<ObjectError>,
}

/// Why something was not removed. What could be removed is, all the same.
#[derive(Debug, thiserror::Error)]
pub enum LeftoversError {
    /// The records.
    #[error(transparent)]
    Store(#[from] Error),
    /// The objects.
    #[error(transparent)]
    Object(#[from] ObjectError),
}
