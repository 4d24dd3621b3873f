//! The sweeper: removes what nobody needs any more, and settles what nobody is at any more.
//!
//! One sweep takes leases that ran out, rejects datasets whose upload never came, forgets expired idempotency keys and
//! sessions, and removes breaks of unpublished attempts and objects that no record refers to; with `RETENTION_DAYS` also
//! old reconciliations, and old datasets that none uses. It goes in short steps, ends early when the process is asked to
//! stop, and may run in several processes at once. What it leaves, the next one finds. What cannot be removed keeps nothing
//! else from being removed, and makes the sweep one that is not complete.

mod step;

use std::time::Duration;

use recon_runtime::config::SweepConfig;
use recon_runtime::{Clock, Environment, Platform, Process, SettingError, because};
use recon_session::Sessions;
use recon_store::{Error, Schema, Store, Sweep};
use serde::Serialize;
use tokio::time::Instant;

use crate::step::{STEPS, Step};

/// How long one sweep begins anything further. A function on a schedule has 15 minutes at most.
const SWEEP_TIME: Duration = Duration::from_mins(5);

/// What the sweeper may touch.
#[derive(Clone)]
pub struct Deps {
    clock: Clock,
    process: Process,
    retention: Option<Duration>,
    sessions: Sessions,
    store: Store,
}

/// What one sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Jobs whose worker was lost and that wait for another one.
    pub jobs_taken_back: u64,
    /// Jobs that lost too many workers, each with its dataset or reconciliation.
    pub jobs_given_up: u64,
    /// Datasets that were rejected because their upload was not completed in time.
    pub uploads_expired: u64,
    /// Idempotency keys that had expired.
    pub idempotency_keys: u64,
    /// Sessions that had ended.
    pub sessions: u64,
    /// Reconciliations older than the retention.
    pub reconciliations: u64,
    /// Datasets older than the retention that no reconciliation used.
    pub datasets: u64,
    /// Breaks of attempts that were never published, or whose reconciliation is deleted.
    pub breaks: u64,
    /// Objects that no record referred to.
    pub objects: u64,
    /// Whether it ended before it found nothing more to do.
    pub more: bool,
}

/// Why a sweep is not complete. What it did is in the log, and stays done.
#[derive(Debug, thiserror::Error)]
pub enum Incomplete {
    /// The schema is another one than this build works with.
    #[error("nothing is swept: {0}")]
    Schema(Schema),
    /// The schema cannot be looked at.
    #[error(transparent)]
    Store(#[from] Error),
    /// Steps failed, or left out what could not be removed; the log says why.
    #[error("not swept, or not all of it: {}; the log says why", .0.join(", "))]
    Failed(Vec<&'static str>),
}

impl Deps {
    /// Everything from the platform, and the retention from the environment.
    ///
    /// # Errors
    /// When a setting does not read.
    pub fn open(platform: &Platform, environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            clock: platform.clock.clone(),
            process: platform.process.clone(),
            retention: SweepConfig::read(environment)?.retention,
            sessions: platform.sessions(),
            store: platform.store.clone(),
        })
    }
}

/// Sweeps once. A step that fails does not keep the others from their work.
///
/// # Errors
/// [`Incomplete`].
pub async fn sweep(deps: Deps) -> Result<Swept, Incomplete> {
    match deps.store.check().await? {
        Schema::Compatible { .. } => {}
        schema @ (Schema::Older { .. } | Schema::Newer { .. }) => return Err(Incomplete::Schema(schema)),
    }
    let sweep = within(SWEEP_TIME, &deps);
    let (mut swept, mut failed) = (Swept::default(), Vec::new());
    for step in STEPS {
        let name = step.name();
        match exhaust(&deps, &sweep, *step, &mut swept).await {
            Ok(0) => {}
            Ok(left) => {
                tracing::error!(step = name, left, "step of a sweep left out what could not be removed");
                failed.push(name);
            }
            Err(error) => {
                tracing::error!(step = name, %error, because = because(&*error), "step of a sweep failed");
                failed.push(name);
            }
        }
    }
    swept.log();
    if failed.is_empty() { Ok(swept) } else { Err(Incomplete::Failed(failed)) }
}

/// The store's sweep, whose calls begin nothing further once this time is over or the process is asked to stop: whoever
/// asks that waits for one item, and not for a backlog.
fn within(time: Duration, deps: &Deps) -> Sweep {
    let (process, until) = (deps.process.clone(), Instant::now() + time);
    deps.store.sweep().until(move || process.is_draining() || Instant::now() >= until)
}

/// Takes a step until it finds nothing more to do. Returns how much it could not remove.
async fn exhaust(deps: &Deps, sweep: &Sweep, step: Step, swept: &mut Swept) -> Result<u64, step::Failure> {
    let mut left = 0;
    loop {
        if sweep.is_over() {
            swept.more = true;
            return Ok(left);
        }
        let taken = step.take(deps, sweep, swept).await?;
        left += taken.left;
        if !taken.more {
            return Ok(left);
        }
    }
}

impl Swept {
    /// One line, which only a sweep that did something puts before everybody.
    fn log(&self) {
        let Self { jobs_taken_back, jobs_given_up, uploads_expired, idempotency_keys, sessions, .. } = self;
        let Self { reconciliations, datasets, breaks, objects, more, .. } = self;
        macro_rules! line {
            ($level:ident, $said:literal) => {
                tracing::$level!(
                    jobs_taken_back,
                    jobs_given_up,
                    uploads_expired,
                    idempotency_keys,
                    sessions,
                    reconciliations,
                    datasets,
                    breaks,
                    objects,
                    more,
                    $said
                )
            };
        }
        if *self == Self::default() { line!(debug, "nothing to sweep") } else { line!(info, "swept") }
    }
}
