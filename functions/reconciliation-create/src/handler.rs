//! Holds the rules against the datasets' columns, and enqueues the run.

use axum::extract::State;
use recon_contract::{ColumnProfile, Dialect, NewReconciliation, Problem, Reconciliation, rules};
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
    if let (Some((left, left_dialect)), Some((right, right_dialect))) = (left, right) {
        let checked = rules::check_columns(&request.rules, &left, &right);
        let explained =
            checked.map_err(|errors| rules::explain_columns(errors, &left_dialect, &right_dialect));
        explained.map_err(|errors| Problem::from(errors.within("/rules")))?;
    }
    Ok(())
}

/// The names of a dataset's columns, and how they were found.
async fn columns(
    deps: &Deps,
    caller: &Caller,
    id: DatasetId,
) -> Result<Option<(Vec<String>, Dialect)>, Refusal> {
    let record = deps.datasets.get(caller.workspace, id).await?;
    let Some(content) = record.and_then(|record| record.content) else { return Ok(None) };
    let columns: Vec<ColumnProfile> = content.columns.read()?;
    let names = columns.into_iter().map(|column| column.name).collect();
    Ok(Some((names, content.dialect.read()?)))
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
