//! Ends a reconciliation before its result.

use std::time::Duration;

use axum::extract::State;
use recon_contract::{CancelReconciliation, Reconciliation};
use recon_domain::ReconciliationId;
use recon_runtime::{Answer, Caller, Keyed, PathId, Refusal, Reply, clean_up, wire};
use recon_store::ReconciliationRecord;

use crate::Deps;

/// How long the caller waits for what earlier attempts left to be removed; the rest is for the worker or the sweeper.
const CLEAN_UP_MAX: Duration = Duration::from_secs(1);

pub(crate) async fn cancel(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<ReconciliationId>,
    Keyed { guard, request: CancelReconciliation }: Keyed<CancelReconciliation>,
) -> Answer<Reconciliation> {
    let guard = guard.answering(cancelled);
    let outcome = deps.reconciliations.cancel(caller.workspace, id, guard).await?;
    let answer = Reply::claimed(outcome.ok_or_else(|| Refusal::not_found("reconciliation", id))?)?;
    clean_up(&deps.leftovers, id, CLEAN_UP_MAX).await;
    Ok(answer)
}

fn cancelled(record: &ReconciliationRecord) -> Answer<Reconciliation> {
    Ok(Reply::accepted(&wire::reconciliation(record)?)
        .location(format_args!("/v1/reconciliations/{}", record.id)))
}
