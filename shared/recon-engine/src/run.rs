//! A run from two tables to an outcome.

use std::num::NonZeroUsize;

use recon_domain::RuleSet;

use crate::{Interner, Outcome, Table};

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Passes; counted in passes.
    Matching,
    /// Breaks; counted in entries.
    Classifying,
}

/// Is told how far a run is, and may stop it.
pub trait Progress: Sync {
    /// `done` of `total` in this phase. Returns whether the run should go on.
    fn advance(&self, phase: Phase, done: u64, total: u64) -> bool;
}

/// Tells nobody and never stops.
#[derive(Debug, Clone, Copy)]
pub struct Quiet;

impl Progress for Quiet {
    fn advance(&self, _: Phase, _: u64, _: u64) -> bool {
        true
    }
}

/// [`Progress`] said to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run was cancelled")]
pub struct Cancelled;

/// Reconciles two tables whose columns follow the roles of `rules`.
///
/// The outcome does not depend on the order of entries or on `threads`.
///
/// # Errors
/// [`Cancelled`] when `progress` says so.
pub fn reconcile(
    _rules: &RuleSet,
    _left: &Table,
    _right: &Table,
    _texts: &Interner,
    _threads: NonZeroUsize,
    _progress: &dyn Progress,
) -> Result<Outcome, Cancelled> {
    Err(Cancelled)
}
