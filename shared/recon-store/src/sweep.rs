//! What nobody needs any more.

use crate::sqlite::Database;
use crate::{Clock, Error, LeftoversError, ObjectError, Objects};

/// The most records that one call of a sweep ends or deletes.
pub const SWEEP_BATCH: u32 = 500;
/// How many reconciliations, and objects of each kind, a call does well to look at: each takes some hundred bytes meanwhile.
pub const SWEEP_LOOK_MAX: u32 = 10_000;

/// Finds what is over and takes it away, whatever workspace it belongs to: for the sweeper, not for clients.
///
/// Every call is bounded, and may be made by several processes at once and again after one that was cut off. What a
/// client can see changes as if the client had asked for it; the rest no client could see.
#[derive(Clone)]
pub struct Sweep {
    pub(crate) database: Database,
    pub(crate) objects: Objects,
    pub(crate) clock: Clock,
}

/// What a call did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sweeping {
    /// How many it ended or deleted.
    pub count: u64,
    /// Whether another call finds more at once.
    pub more: bool,
}

/// Why a sweep stopped. What it did before stays done.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The records.
    #[error(transparent)]
    Store(#[from] Error),
    /// The objects.
    #[error(transparent)]
    Object(#[from] ObjectError),
}

impl From<LeftoversError> for SweepError {
    fn from(error: LeftoversError) -> Self {
        match error {
            LeftoversError::Store(error) => Self::Store(error),
            LeftoversError::Object(error) => Self::Object(error),
        }
    }
}

impl Sweeping {
    /// So many of a batch.
    pub(crate) fn of_batch(count: u64) -> Self {
        Self { count, more: count >= u64::from(SWEEP_BATCH) }
    }
}
