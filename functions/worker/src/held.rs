//! A job while it is worked on: its lease is kept, its progress is written down, and it is told when to stop.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use recon_store::{HEARTBEAT_INTERVAL, Lease, Phase, Progress, Store, Subject};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Deps;

/// How often progress is written down at most.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// A lease that is renewed until this is dropped.
pub(crate) struct Held {
    lease: Arc<Lease>,
    teller: Teller,
    keeper: JoinHandle<()>,
}

/// What the computation's thread holds: it tells how far it is and asks whether to go on.
#[derive(Clone)]
pub(crate) struct Teller {
    stop: Arc<AtomicBool>,
    progress: watch::Sender<Progress>,
}

impl Held {
    /// Keeps this lease.
    pub(crate) fn keep(deps: &Deps, lease: Lease) -> Self {
        let lease = Arc::new(lease);
        let start = Progress { phase: Phase::Reading, done: 0, total: 0 };
        let teller = Teller { stop: Arc::default(), progress: watch::Sender::new(start) };
        let keeper = tokio::spawn(keep(deps.clone(), lease.clone(), teller.clone()));
        Self { lease, teller, keeper }
    }

    /// For the computation's thread.
    pub(crate) fn teller(&self) -> Teller {
        self.teller.clone()
    }
}

impl Deref for Held {
    type Target = Lease;

    fn deref(&self) -> &Lease {
        &self.lease
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Teller {
    /// Says how far the job is. Returns whether to go on.
    pub(crate) fn advance(&self, phase: Phase, done: u64, total: u64) -> bool {
        self.progress.send_replace(Progress { phase, done, total });
        self.goes_on()
    }

    /// Whether to go on.
    pub(crate) fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// Renews the lease, writes progress down, and says stop when the lease is lost or the process's grace is over.
async fn keep(deps: Deps, lease: Arc<Lease>, teller: Teller) {
    let renewals = async {
        loop {
            tokio::time::sleep(HEARTBEAT_INTERVAL).await;
            match deps.store.jobs().heartbeat(&lease).await {
                Ok(()) => {}
                Err(recon_store::Error::LeaseLost { .. }) => break,
                // The lease outlives a few missed beats.
                Err(error) => tracing::warn!(job = %lease.job, %error, "heartbeat failed"),
            }
        }
    };
    tokio::select! {
        () = renewals => {}
        () = write_progress(&deps.store, &lease, &teller) => {}
        () = deps.process.grace_over() => {}
    }
    teller.stop.store(true, Ordering::Relaxed);
}

/// Ends when the lease is lost. Progress of an ingest is shown nowhere, so it is not written.
async fn write_progress(store: &Store, lease: &Lease, teller: &Teller) {
    if let Subject::Dataset(_) = lease.subject {
        return std::future::pending().await;
    }
    let mut told = teller.progress.subscribe();
    loop {
        let progress = *told.borrow_and_update();
        match store.reconciliations().progress(lease, progress).await {
            Ok(()) => {}
            Err(recon_store::Error::LeaseLost { .. }) => return,
            Err(error) => tracing::warn!(job = %lease.job, %error, "progress not written"),
        }
        tokio::time::sleep(PROGRESS_INTERVAL).await;
        if told.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

impl recon_engine::Progress for Teller {
    fn advance(&self, phase: recon_engine::Phase, done: u64, total: u64) -> bool {
        let phase = match phase {
            recon_engine::Phase::Matching => Phase::Matching,
            recon_engine::Phase::Classifying => Phase::Classifying,
        };
        Self::advance(self, phase, done, total)
    }
}
