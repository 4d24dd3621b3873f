//! Reads a dataset.

use axum::extract::State;
use recon_contract::{Dataset, route};
use recon_domain::DatasetId;
use recon_runtime::{Answer, Caller, PathId, Refusal, Reply, wire};
use recon_store::DatasetStatus;

use crate::Deps;

pub(crate) async fn get(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<DatasetId>,
) -> Answer<Dataset> {
    let record = deps.datasets.get(caller.workspace, id).await?;
    let record = record.ok_or_else(|| Refusal::not_found("dataset", id))?;
    // The address is all that a store asks for: it is for those alone whom this API would let upload.
    let may_upload = route::DATASET_UPLOAD.access.admits(caller.role);
    let signed = match record.status {
        DatasetStatus::AwaitingUpload if may_upload => deps.objects.sign_upload(id, deps.clock.now()).await?,
        _ => None,
    };
    Ok(Reply::ok(&wire::dataset_to_upload(&record, signed.as_ref())?))
}
