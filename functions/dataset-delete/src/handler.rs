//! Deletes a dataset, and then its objects.

use axum::extract::State;
use recon_domain::DatasetId;
use recon_runtime::{Answer, Caller, PathId, Refusal, Reply, because};
use recon_store::object_name;

use crate::Deps;

pub(crate) async fn delete(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<DatasetId>,
) -> Answer<()> {
    if !deps.datasets.delete(caller.workspace, id).await? {
        return Err(Refusal::not_found("dataset", id));
    }
    for folder in [object_name::uploads_of(id), object_name::ingests_of(id)] {
        // Nothing refers to the objects any more. The sweeper finds those that cannot be deleted now.
        if let Err(error) = deps.objects.delete_below(&folder).await {
            tracing::warn!(folder, %error, because = because(&error), "objects of a deleted dataset are left over");
        }
    }
    Ok(Reply::no_content())
}
