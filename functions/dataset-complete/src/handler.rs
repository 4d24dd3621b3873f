//! Pins the bytes that were uploaded, and enqueues the job that reads them.

use axum::extract::State;
use recon_contract::{CompleteDataset, Dataset};
use recon_domain::DatasetId;
use recon_runtime::{Answer, Caller, Keyed, PathId, Refusal, Reply, wire};
use recon_store::DatasetRecord;

use crate::Deps;
use crate::arrived::attach;

/// Seconds after which it is worth to look whether the dataset is ready.
const LOOK_AGAIN_SECONDS: u32 = 1;

pub(crate) async fn complete(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<DatasetId>,
    Keyed { guard, request }: Keyed<CompleteDataset>,
) -> Answer<Dataset> {
    attach(&deps, &caller, id).await?;
    let guard = guard.answering(accepted);
    let outcome = deps.datasets.complete(caller.workspace, id, guard, request.sha256).await?;
    Reply::claimed(outcome.ok_or_else(|| Refusal::not_found("dataset", id))?)
}

fn accepted(record: &DatasetRecord) -> Answer<Dataset> {
    let path = format_args!("/v1/datasets/{}", record.id);
    Ok(Reply::accepted(&wire::dataset(record)?).location(path).retry_after(LOOK_AGAIN_SECONDS))
}
