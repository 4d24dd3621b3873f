//! Holds the rules against the datasets' columns, and enqueues the run.

use axum::extract::State;
use recon_contract::{ColumnProfile, NewReconciliation, Problem, Reconciliation, rules};
use recon_domain::{DatasetId, ReconciliationId};
use recon_runtime::{Answer, Caller, Keyed, Refusal, Reply, wire};
use recon_store::{Json, ReconciliationRecord};

use crate::Deps;

/// Seconds after which it is worth to look how far the run is.
const LOOK_AGAIN_SECONDS: u32 = 1;

pub(crate) async fn create(
    State(deps): State<Deps>,
    caller: Caller,
    Keyed { guard, request }: Keyed<NewReconciliation>,
) -> Answer<Reconciliation> {
    check_columns(&deps, &caller, &request).await?;
    let new = planned(&deps, request)?;
    let outcome = deps.reconciliations.create(caller.workspace, guard.answering(accepted), new).await?;
    Reply::claimed(outcome)
}

/// A dataset that is absent or not ready has no columns to check: the transaction that claims the key refuses it.
async fn check_columns(deps: &Deps, caller: &Caller, request: &NewReconciliation) -> Result<(), Refusal> {
    let left = columns(deps, caller, request.left).await?;
    let right = columns(deps, caller, request.right).await?;
    if let (Some(left), Some(right)) = (left, right) {
        let checked = rules::check_columns(&request.rules, &left, &right);
        checked.map_err(|errors| Problem::from(errors.within("/rules")))?;
    }
    Ok(())
}

async fn columns(deps: &Deps, caller: &Caller, id: DatasetId) -> Result<Option<Vec<String>>, Refusal> {
    let content = deps.datasets.get(caller.workspace, id).await?.and_then(|record| record.content);
    let columns: Option<Vec<ColumnProfile>> = content.map(|content| content.columns.read()).transpose()?;
    Ok(columns.map(|columns| columns.into_iter().map(|column| column.name).collect()))
}

fn planned(deps: &Deps, request: NewReconciliation) -> Result<recon_store::NewReconciliation, Refusal> {
    Ok(recon_store::NewReconciliation {
        id: ReconciliationId::from_uuid(deps.ids.next()?),
        name: request.name,
        left: request.left,
        right: request.right,
        rules: Json::of(&request.document)?,
    })
}

fn accepted(record: &ReconciliationRecord) -> Answer<Reconciliation> {
    let path = format_args!("/v1/reconciliations/{}", record.id);
    Ok(Reply::accepted(&wire::reconciliation(record)?).location(path).retry_after(LOOK_AGAIN_SECONDS))
}
