//! How far a run is, and whether it should go on.
//!
//! A run may be told to stop at any moment and has to stop soon. So every loop over entries, pairs or texts counts what
//! it does, and asks again after so much of it. What decides when to ask is work, never time: the engine has no clock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// After so much work a thread asks whether to go on. One unit is what a pair without texts takes, or a few letters
/// that are read: some nanoseconds, so that a question comes every few milliseconds.
pub(crate) const WORK_PER_QUESTION: u64 = 1 << 17;

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
    /// `done` of `total` in this phase. Returns whether the run should go on; the first `false` is final.
    ///
    /// Any thread of the run calls this, often with nothing new to tell: it should return at once.
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

/// Asks a [`Progress`] on behalf of all threads of a phase.
pub(crate) struct Watch<'a> {
    progress: &'a dyn Progress,
    phase: Phase,
    done: AtomicU64,
    total: u64,
    stopped: AtomicBool,
}

impl<'a> Watch<'a> {
    /// At the beginning of a phase.
    pub(crate) fn new(progress: &'a dyn Progress, phase: Phase, total: u64) -> Self {
        Self { progress, phase, done: AtomicU64::new(0), total, stopped: AtomicBool::new(false) }
    }

    /// Tells how far the phase is, and asks whether to go on.
    pub(crate) fn reached(&self, done: u64) -> Result<(), Cancelled> {
        self.done.store(done, Ordering::Relaxed);
        self.ask()
    }

    /// Asks whether to go on.
    pub(crate) fn ask(&self) -> Result<(), Cancelled> {
        let done = self.done.load(Ordering::Relaxed);
        let stopped = self.stopped.load(Ordering::Relaxed);
        if !stopped && self.progress.advance(self.phase, done, self.total) {
            return Ok(());
        }
        self.stopped.store(true, Ordering::Relaxed);
        Err(Cancelled)
    }

    /// Adds to the work that a thread did since it asked last, and asks when that is enough.
    #[inline]
    pub(crate) fn after(&self, work: &mut u64, more: u64) -> Result<(), Cancelled> {
        *work += more;
        if *work < WORK_PER_QUESTION {
            return Ok(());
        }
        *work = 0;
        self.ask()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    struct NoOnce(AtomicU64);

    impl Progress for NoOnce {
        fn advance(&self, _: Phase, _: u64, _: u64) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed) != 0
        }
    }

    #[test]
    fn the_first_no_is_final() {
        let progress = NoOnce(AtomicU64::new(0));
        let watch = Watch::new(&progress, Phase::Matching, 1);
        assert_eq!([watch.ask(), watch.ask(), watch.reached(1)], [Err(Cancelled); 3]);
    }

    #[test]
    fn a_thread_asks_after_enough_work_and_not_before() {
        let progress = NoOnce(AtomicU64::new(1));
        let watch = Watch::new(&progress, Phase::Matching, 1);
        let mut work = 0;
        watch.after(&mut work, WORK_PER_QUESTION - 1).unwrap();
        assert_eq!(progress.0.load(Ordering::Relaxed), 1);
        watch.after(&mut work, 1).unwrap();
        assert_eq!((progress.0.load(Ordering::Relaxed), work), (2, 0));
    }
}
