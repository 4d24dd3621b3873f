//! What an ingest wrote that came to nothing.

use recon_domain::DatasetId;
use recon_runtime::because;
use recon_store::{Store, object_name};

use crate::held::Held;

/// Deletes the objects of an ingest that ended without a result, as where the dataset was deleted meanwhile. What cannot be
/// deleted now is for the sweeper.
pub(crate) async fn discard(store: &Store, held: &Held, id: DatasetId) {
    if let Err(error) = try_discard(store, held, id).await {
        tracing::warn!(dataset = %id, %error, because = because(&*error), "objects of an ingest are left over");
    }
}

async fn try_discard(
    store: &Store,
    held: &Held,
    id: DatasetId,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let content = object_name::content(id, held.attempt);
    // Whether the last word of the attempt was heard is not certain where the answer was lost.
    let found = store.datasets().get(held.workspace, id).await?;
    if found.and_then(|found| found.content).is_some_and(|published| published.object == content) {
        return Ok(());
    }
    for object in [object_name::rejected_beside(&content), content] {
        store.objects().delete(&object).await?;
    }
    Ok(())
}
