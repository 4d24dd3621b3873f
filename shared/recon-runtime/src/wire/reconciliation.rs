//! Reconciliations as clients see them.

use recon_contract::{Failure, Phase, Reconciliation, ReconciliationProgress, ReconciliationStatus};
use recon_store::ReconciliationRecord;

use crate::Refusal;

/// A reconciliation.
///
/// # Errors
/// When the record holds what this version cannot read.
pub fn reconciliation(record: &ReconciliationRecord) -> Result<Reconciliation, Refusal> {
    let failure = |failure: &recon_store::Failure| Failure {
        code: failure.code.clone(),
        detail: failure.detail.clone(),
    };
    Ok(Reconciliation {
        id: record.id,
        name: record.name.clone(),
        left: record.left,
        right: record.right,
        status: status(record.status),
        progress: ReconciliationProgress {
            phase: phase(record.progress.phase),
            done: record.progress.done,
            total: record.progress.total,
        },
        summary: record.published.as_ref().map(|published| published.result.summary.read()).transpose()?,
        error: record.failure.as_ref().map(failure),
        created_at: record.created_at,
        finished_at: record.finished_at,
    })
}

const fn status(status: recon_store::ReconciliationStatus) -> ReconciliationStatus {
    match status {
        recon_store::ReconciliationStatus::Queued => ReconciliationStatus::Queued,
        recon_store::ReconciliationStatus::Running => ReconciliationStatus::Running,
        recon_store::ReconciliationStatus::Succeeded => ReconciliationStatus::Succeeded,
        recon_store::ReconciliationStatus::Failed => ReconciliationStatus::Failed,
        recon_store::ReconciliationStatus::Cancelled => ReconciliationStatus::Cancelled,
    }
}

/// The status that a list is narrowed to.
#[must_use]
pub const fn asked_status(status: ReconciliationStatus) -> recon_store::ReconciliationStatus {
    match status {
        ReconciliationStatus::Queued => recon_store::ReconciliationStatus::Queued,
        ReconciliationStatus::Running => recon_store::ReconciliationStatus::Running,
        ReconciliationStatus::Succeeded => recon_store::ReconciliationStatus::Succeeded,
        ReconciliationStatus::Failed => recon_store::ReconciliationStatus::Failed,
        ReconciliationStatus::Cancelled => recon_store::ReconciliationStatus::Cancelled,
    }
}

const fn phase(phase: recon_store::Phase) -> Phase {
    match phase {
        recon_store::Phase::Queued => Phase::Queued,
        recon_store::Phase::Reading => Phase::Reading,
        recon_store::Phase::Matching => Phase::Matching,
        recon_store::Phase::Classifying => Phase::Classifying,
        recon_store::Phase::Writing => Phase::Writing,
        recon_store::Phase::Done => Phase::Done,
    }
}
