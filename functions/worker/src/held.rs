//! A job while it is worked on: its lease is kept, its progress is written down, and it is told when to stop.

use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use recon_runtime::{State, because};
use recon_store::{HEARTBEAT_INTERVAL, Lease, Phase, Progress, Store, Subject};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Cut, Deps};

/// How often progress is written down at most.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// How often a worker looks whether its lease is still its own: as long as a cancelled run may go on unknowing.
const LEASE_LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// A lease that is renewed until this is dropped.
pub(crate) struct Held {
    lease: Arc<Lease>,
    teller: Teller,
    keeper: JoinHandle<()>,
}

/// What the computation's thread holds: it tells how far it is and asks whether to go on.
#[derive(Clone)]
pub(crate) struct Teller {
    stop: watch::Sender<bool>,
    progress: watch::Sender<Progress>,
}

impl Held {
    /// Keeps this lease.
    pub(crate) fn keep(deps: &Deps, lease: Lease) -> Self {
        let lease = Arc::new(lease);
        let start = Progress { phase: Phase::Reading, done: 0, total: 0 };
        let teller = Teller { stop: watch::Sender::new(false), progress: watch::Sender::new(start) };
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
    ///
    /// Threads may tell in any order: who is behind what was told before changes nothing.
    pub(crate) fn advance(&self, phase: Phase, done: u64, total: u64) -> bool {
        let told = Progress { phase, done: done.min(total), total };
        self.progress.send_if_modified(|known| {
            let place = |progress: &Progress| (progress.phase, progress.done, progress.total);
            let further = place(&told) > place(known);
            if further {
                *known = told;
            }
            further
        });
        self.goes_on()
    }

    /// Whether to go on.
    pub(crate) fn goes_on(&self) -> bool {
        !*self.stop.borrow()
    }

    /// What this comes to, unless the job is to stop before: then it is dropped where it stands.
    pub(crate) async fn unless_stopped<T, E>(
        &self,
        coming: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Cut>
    where
        Cut: From<E>,
    {
        let mut stop = self.stop.subscribe();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => Err(Cut::Stopped),
            came_to = coming => Ok(came_to?),
        }
    }

    /// What a computation came to: whatever ended one that was told to stop, it was stopped.
    pub(crate) fn judge<T>(&self, came_to: Result<T, Cut>) -> Result<T, Cut> {
        came_to.map_err(|cut| if self.goes_on() { cut } else { Cut::Stopped })
    }
}

/// A file that fails when the job is to stop, so that code which asks nobody stops with it.
pub(crate) struct Watched<F> {
    file: F,
    teller: Teller,
}

impl<F> Watched<F> {
    pub(crate) fn new(file: F, teller: &Teller) -> Self {
        Self { file, teller: teller.clone() }
    }

    fn go_on(&self) -> io::Result<()> {
        // Not `Interrupted`, after which readers and writers try again.
        if self.teller.goes_on() { Ok(()) } else { Err(io::Error::other(Cut::Stopped)) }
    }
}

impl<F: io::Read> io::Read for Watched<F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.go_on()?;
        self.file.read(bytes)
    }
}

impl<F: io::Seek> io::Seek for Watched<F> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl<F: io::Write> io::Write for Watched<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.go_on()?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Renews the lease, writes progress down, and says stop when the lease is lost or the process ends soon.
async fn keep(deps: Deps, lease: Arc<Lease>, teller: Teller) {
    let renewals = async {
        loop {
            tokio::time::sleep(HEARTBEAT_INTERVAL).await;
            match deps.store.jobs().heartbeat(&lease).await {
                Ok(()) => {}
                Err(recon_store::Error::LeaseLost { .. }) => break,
                // The lease outlives a few missed beats.
                Err(error) => {
                    tracing::warn!(job = %lease.job, %error, because = because(&error), "heartbeat failed");
                }
            }
        }
    };
    tokio::select! {
        () = renewals => {}
        () = write_progress(&deps.store, &lease, &teller) => {}
        () = until_lost(&deps.store, &lease) => {}
        () = deps.process.reaches(State::Releasing) => {}
    }
    teller.stop.send_replace(true);
}

/// Ends when the lease is lost: what the job is about was cancelled, or somebody else has the job.
async fn until_lost(store: &Store, lease: &Lease) {
    loop {
        tokio::time::sleep(LEASE_LOOK_INTERVAL).await;
        match store.jobs().holds(lease).await {
            Ok(true) => {}
            Ok(false) => return,
            // Every write shows the lease anyway.
            Err(error) => {
                tracing::warn!(job = %lease.job, %error, because = because(&error), "lease not looked at");
            }
        }
    }
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
            Err(error) => {
                tracing::warn!(job = %lease.job, %error, because = because(&error), "progress not written");
            }
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
