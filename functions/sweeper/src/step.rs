//! The steps of a sweep, each of which does a bounded piece of its work at a time.

use std::error::Error;

use recon_store::{SWEEP_BATCH, SWEEP_LOOK_MAX, Sweep, Sweeping, UPLOAD_PATIENCE};

use crate::{Deps, Swept};

/// Why a step failed.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    LostLeases,
    ExpiredUploads,
    IdempotencyKeys,
    Sessions,
    OldReconciliations,
    OldDatasets,
    Breaks,
    Objects,
}

/// What became of a piece of a step's work, beside what it counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// How much could not be removed.
    pub(crate) left: u64,
    /// Whether there is more.
    pub(crate) more: bool,
}

impl Taken {
    /// There was nothing to do.
    const NOTHING: Self = Self { left: 0, more: false };
}

/// The order: what people see first, then records, then what only records know of. Reconciliations go before the datasets
/// that they use.
pub(crate) const STEPS: &[Step] = &[
    Step::LostLeases,
    Step::ExpiredUploads,
    Step::IdempotencyKeys,
    Step::Sessions,
    Step::OldReconciliations,
    Step::OldDatasets,
    Step::Breaks,
    Step::Objects,
];

impl Step {
    /// What it is called in logs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LostLeases => "lost leases",
            Self::ExpiredUploads => "expired uploads",
            Self::IdempotencyKeys => "idempotency keys",
            Self::Sessions => "sessions",
            Self::OldReconciliations => "old reconciliations",
            Self::OldDatasets => "old datasets",
            Self::Breaks => "breaks",
            Self::Objects => "objects",
        }
    }

    /// Does a piece of the work.
    pub(crate) async fn take(self, deps: &Deps, sweep: &Sweep, swept: &mut Swept) -> Result<Taken, Failure> {
        let (counted, did) = match self {
            Self::LostLeases => return lost_leases(sweep, swept).await,
            Self::ExpiredUploads => {
                (&mut swept.uploads_expired, sweep.expired_uploads(UPLOAD_PATIENCE).await?)
            }
            Self::IdempotencyKeys => (&mut swept.idempotency_keys, sweep.expired_keys().await?),
            Self::Sessions => (&mut swept.sessions, sessions(deps).await?),
            Self::OldReconciliations => match deps.retention {
                Some(kept) => (&mut swept.reconciliations, sweep.old_reconciliations(kept).await?),
                None => return Ok(Taken::NOTHING),
            },
            Self::OldDatasets => match deps.retention {
                Some(kept) => (&mut swept.datasets, sweep.old_datasets(kept).await?),
                None => return Ok(Taken::NOTHING),
            },
            Self::Breaks => (&mut swept.breaks, sweep.unpublished_breaks(SWEEP_LOOK_MAX).await?),
            Self::Objects => (&mut swept.objects, sweep.orphaned_objects(SWEEP_LOOK_MAX).await?),
        };
        *counted += did.count;
        Ok(Taken { left: did.failed, more: did.more })
    }
}

async fn lost_leases(sweep: &Sweep, swept: &mut Swept) -> Result<Taken, Failure> {
    let lost = sweep.lost_leases().await?;
    let (again, given_up) = (u64::try_from(lost.again)?, u64::try_from(lost.given_up)?);
    swept.jobs_taken_back += again;
    swept.jobs_given_up += given_up;
    Ok(Taken { left: 0, more: again + given_up >= u64::from(SWEEP_BATCH) })
}

async fn sessions(deps: &Deps) -> Result<Sweeping, Failure> {
    let count = deps.sessions.purge_expired(SWEEP_BATCH, deps.clock.now()).await?;
    Ok(Sweeping { count, failed: 0, more: count >= u64::from(SWEEP_BATCH) })
}
