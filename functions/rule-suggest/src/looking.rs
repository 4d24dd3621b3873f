//! Computations beside the async threads, few at a time, that stop when nobody waits for them any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use recon_runtime::Refusal;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Samples that are looked at at once in a process, so that memory does not grow with the number of callers.
const AT_ONCE_MAX: usize = 2;

/// Whether somebody still waits.
pub(crate) type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// The right to look at a sample.
#[derive(Clone)]
pub(crate) struct Looking(Arc<Semaphore>);

impl Default for Looking {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE_MAX)))
    }
}

impl Looking {
    /// Waits for a turn. What is to be looked at is opened after that: it takes room, too.
    pub(crate) async fn turn(&self) -> Result<Look, Refusal> {
        Arc::clone(&self.0).acquire_owned().await.map(Look).map_err(Refusal::internal)
    }
}

/// A turn to look.
pub(crate) struct Look(OwnedSemaphorePermit);

impl Look {
    /// Runs a computation to its end, unless the request ends first: then it is told to stop.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        look: impl FnOnce(GoOn<'_>) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let Self(permit) = self;
        let waiting = Waiting(Arc::new(AtomicBool::new(true)));
        let waits = waiting.0.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let found = look(&|| waits.load(Ordering::Relaxed));
            // Held to the end of the work, not of the request.
            drop(permit);
            found
        });
        looked.await.map_err(Refusal::internal)
    }
}

/// A request that waits. Dropped with the request, at the latest when its time is over.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
