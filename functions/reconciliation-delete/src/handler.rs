//! Deletes a reconciliation, and then what it left.

use std::time::Duration;

use axum::extract::State;
use recon_domain::ReconciliationId;
use recon_runtime::{Answer, Caller, PathId, Refusal, Reply, clean_up};

use crate::Deps;

/// How long the caller waits for breaks and objects to be removed, which nobody sees any more; the rest is for the
/// sweeper.
const CLEAN_UP_MAX: Duration = Duration::from_secs(10);

pub(crate) async fn delete(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<ReconciliationId>,
) -> Answer<()> {
    if !deps.reconciliations.delete(caller.workspace, id).await? {
        return Err(Refusal::not_found("reconciliation", id));
    }
    clean_up(&deps.leftovers, id, CLEAN_UP_MAX).await;
    Ok(Reply::no_content())
}
