//! Reads a dataset.

use axum::extract::State;
use recon_contract::Dataset;
use recon_domain::DatasetId;
use recon_runtime::{Answer, Caller, PathId, Refusal, Reply, wire};

use crate::Deps;

pub(crate) async fn get(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<DatasetId>,
) -> Answer<Dataset> {
    let record = deps.datasets.get(caller.workspace, id).await?;
    let record = record.ok_or_else(|| Refusal::not_found("dataset", id))?;
    Ok(Reply::ok(&wire::dataset(&record)?))
}
