//! What nobody needs any more.

use std::error::Error as StdError;
use std::sync::Arc;

use crate::database::Database;
use crate::{Clock, Error, LeftoversError, ObjectError, Objects};

/// The most records that one call of a sweep ends or deletes.
pub const SWEEP_BATCH: u32 = 500;
/// How many reconciliations, and objects of each kind, a call does well to look at: each takes some hundred bytes meanwhile.
pub const SWEEP_LOOK_MAX: u32 = 10_000;

/// How many failures a call logs one by one.
const FAILURES_LOGGED_MAX: u64 = 10;

/// Finds what is over and takes it away, whatever workspace it belongs to: for the sweeper, not for clients.
///
/// Every call is bounded, and may be made by several processes at once and again after one that was cut off. What a
/// client can see changes as if the client had asked for it; the rest no client could see.
#[derive(Clone)]
pub struct Sweep {
    pub(crate) database: Database,
    pub(crate) objects: Objects,
    pub(crate) clock: Clock,
    pub(crate) is_over: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// What a call did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sweeping {
    /// How many it ended or deleted.
    pub count: u64,
    /// How many it could not delete. The log says why, and the next round asks for them again.
    pub failed: u64,
    /// Whether another call finds more at once.
    pub more: bool,
}

/// Why a sweep stopped before its end. What it did before stays done.
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

impl Sweep {
    /// The same, of which a call begins nothing further once this says that it is over: it ends with what it did, keeps its
    /// place, and says that there is more. What is asked between two items must answer at once.
    #[must_use]
    pub fn until(self, is_over: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { is_over: Arc::new(is_over), ..self }
    }

    /// Whether nothing further is to be begun.
    #[must_use]
    pub fn is_over(&self) -> bool {
        (self.is_over)()
    }
}

impl Sweeping {
    /// The same, where a full batch means that another call finds more.
    pub(crate) fn of_batch(self) -> Self {
        Self { more: self.count >= u64::from(SWEEP_BATCH), ..self }
    }

    /// So many, and no failure.
    pub(crate) fn counting(count: u64) -> Self {
        Self { count, ..Self::default() }
    }

    /// Counts what could not be deleted, and logs the first of it: where a whole folder cannot be written, a line for each
    /// of its objects tells nobody more.
    pub(crate) fn fail(&mut self, what: &str, error: &(dyn StdError + 'static)) {
        self.failed += 1;
        if self.failed <= FAILURES_LOGGED_MAX {
            tracing::warn!(what, %error, cause = %root(error), "left over until the next round");
        }
    }
}

/// The first of its causes.
fn root<'e>(mut error: &'e (dyn StdError + 'static)) -> &'e (dyn StdError + 'static) {
    while let Some(cause) = error.source() {
        error = cause;
    }
    error
}
