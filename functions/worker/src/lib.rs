//! The worker: takes a job, works it off, publishes what came out.
//!
//! A job is an upload to be read or a reconciliation to be run. The worker holds it by a lease that it renews; every
//! write shows the lease, so a worker that lost it publishes nothing, and it looks twice a second whether it lost it: so
//! a reconciliation that somebody cancels stops at once, and what it wrote is taken away. A job that cannot succeed ends its subject with
//! a reason; one that failed for a reason that may pass is tried again; one that is cut by a shutdown is given back.

mod disk;
mod held;
mod ingest;
mod pinned;
mod reconcile;
mod schema;
mod unpublished;
mod upload;

use std::sync::LazyLock;
use std::time::Duration;

use recon_runtime::metrics::{self, Ended};
use recon_runtime::{Platform, Process, Turn, because, clean_up};
use recon_store::{Error, JobKind, ObjectError, ReconciliationStatus, Store, Subject};

use crate::held::Held;
use crate::schema::Gate;

/// How long the next job waits for what an attempt without a result left to be removed; the rest is for the sweeper.
const CLEAN_UP_MAX: Duration = Duration::from_secs(30);

/// What the worker may touch.
#[derive(Clone)]
pub struct Deps {
    store: Store,
    process: Process,
    schema: Gate,
}

impl Deps {
    /// Everything from the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { store: platform.store.clone(), process: platform.process.clone(), schema: Gate::default() }
    }
}

/// Why an attempt did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Cut {
    /// The lease is lost, or the process ends.
    #[error("stopped before its end")]
    Stopped,
    #[error(transparent)]
    Store(#[from] Error),
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("local file")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Source(#[from] recon_formats::SourceError),
    #[error(transparent)]
    Dataset(#[from] recon_formats::dataset_parquet::Error),
    #[error(transparent)]
    Matches(#[from] recon_formats::results::matches_parquet::Error),
    #[error(transparent)]
    Rejections(#[from] recon_formats::rejections_parquet::Error),
    /// The computation panicked: a defect, whose trace is in the log.
    #[error("the computation panicked")]
    Panicked(#[from] tokio::task::JoinError),
    /// A record that the job needs is not there, or is not what it was made to be.
    #[error("{0}")]
    Inconsistent(&'static str),
}

impl Cut {
    /// Whether it says nothing about the job: the database, the object store or this host's disk cannot be used now.
    fn is_outage(&self) -> bool {
        match self {
            Self::Store(Error::Unavailable { .. })
            | Self::Object(ObjectError::Unavailable { .. })
            | Self::File(_) => true,
            _ => disk::is_at_fault(self),
        }
    }
}

/// Takes at most one job and works it off. On a schema that does not serve this build, or with objects that are not its
/// database's, it takes none.
///
/// # Errors
/// When no job can be asked for, or the end of one cannot be written down; its lease will run out.
pub async fn turn(deps: Deps) -> Result<Turn, Error> {
    if !deps.schema.serves(&deps.store).await? {
        return Ok(Turn::Waiting);
    }
    let turned = take(&deps).await;
    if turned.is_err() {
        // The schema may have changed under a worker that runs.
        deps.schema.doubt();
    }
    turned
}

async fn take(deps: &Deps) -> Result<Turn, Error> {
    let kinds = [JobKind::Ingest, JobKind::Reconcile];
    let Some(lease) = deps.store.jobs().lease(&kinds, name()).await? else {
        return Ok(Turn::Idle);
    };
    if lease.is_takeover {
        metrics::lease_taken_over();
    }
    let held = Held::keep(deps, lease);
    tracing::info!(job = %held.job, kind = held.kind().as_str(), attempt = held.attempt, "job taken");
    fail::fail_point!(&format!("{}-leased", held.kind().as_str()));
    let ended = match held.subject {
        Subject::Dataset(id) => ingest::run(&deps.store, &held, id).await,
        Subject::Reconciliation(id) => reconcile::run(&deps.store, &held, id).await,
    };
    if let Err(Cut::Store(Error::Database { .. }) | Cut::Object(_)) = ended {
        deps.schema.doubt();
    }
    let published = ended.is_ok();
    let settled = settle(&deps.store, &held, ended).await;
    metrics::job_finished(held.kind(), *settled.as_ref().unwrap_or(&Ended::Lost));
    settled?;
    match held.subject {
        Subject::Reconciliation(id) if !published && !deps.process.is_draining() => {
            clean_up(&deps.store.leftovers(), id, CLEAN_UP_MAX).await;
        }
        Subject::Dataset(id) if !published && !deps.process.is_draining() => {
            unpublished::discard(&deps.store, &held, id).await;
        }
        Subject::Reconciliation(_) | Subject::Dataset(_) => {}
    }
    Ok(Turn::Worked)
}

/// Writes down how an attempt ended, where that is not done yet.
async fn settle(store: &Store, held: &Held, ended: Result<(), Cut>) -> Result<Ended, Error> {
    let settled = match ended {
        Ok(()) => {
            tracing::info!(job = %held.job, "job done");
            Ok(Ended::Succeeded)
        }
        Err(Cut::Store(Error::LeaseLost { .. })) => {
            Err(Error::LeaseLost { job: held.job, attempt: held.attempt })
        }
        Err(Cut::Stopped) => {
            tracing::info!(job = %held.job, "job given back");
            store.jobs().release(held).await.map(|()| Ended::Released)
        }
        Err(cut) => {
            let because = because(&cut);
            tracing::error!(job = %held.job, error = %cut, because, "attempt failed");
            let colon = if because.is_empty() { "" } else { ": " };
            let reason = format!("{cut}{colon}{because}");
            let said = match cut.is_outage() {
                true => store.jobs().postpone(held, &reason).await,
                false => store.jobs().fail(held, &reason).await,
            };
            said.map(|_| Ended::Failed)
        }
    };
    match settled {
        Err(Error::LeaseLost { .. }) if is_cancelled(store, held).await? => {
            tracing::info!(job = %held.job, attempt = held.attempt, "cancelled, nothing published");
            Ok(Ended::Cancelled)
        }
        Err(Error::LeaseLost { .. }) => {
            tracing::warn!(job = %held.job, attempt = held.attempt, "lease lost, nothing published");
            Ok(Ended::Lost)
        }
        other => other,
    }
}

/// Whether somebody stopped what the job is about.
async fn is_cancelled(store: &Store, held: &Held) -> Result<bool, Error> {
    let Subject::Reconciliation(id) = held.subject else { return Ok(false) };
    let found = store.reconciliations().get(held.workspace, id).await?;
    Ok(found.is_some_and(|found| found.status == ReconciliationStatus::Cancelled))
}

/// How this worker calls itself in the records: for people who look for it. In a container every process is number 1, and the
/// host is the container.
fn name() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let on = if host.trim().is_empty() { "" } else { " on " };
        format!("process {}{on}{}", std::process::id(), host.trim())
    });
    &NAME
}
