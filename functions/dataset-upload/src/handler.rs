//! Passes bytes on to the object store as they come, under a name that no other upload has.

use axum::extract::State;
use recon_contract::Code;
use recon_domain::DatasetId;
use recon_runtime::{Answer, Caller, Content, PathId, Refusal, Reply, because};
use recon_store::{Error, Tie, Upload};

use crate::Deps;

pub(crate) async fn upload(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<DatasetId>,
    content: Content,
) -> Answer<()> {
    if deps.store.objects_tie().await? == Tie::Foreign {
        let detail =
            "this server stores objects elsewhere than its records say; its operators have to mend that";
        return Err(Refusal::new(Code::ForeignObjects, detail));
    }
    let absent = || Refusal::not_found("dataset", id);
    let object = deps.datasets.begin_upload(caller.workspace, id).await?.ok_or_else(absent)?;
    let written = deps.objects.put_stream(&object, content, deps.upload_bytes_max).await?;
    fail::fail_point!("upload-staged");
    let upload = Upload::hashed(object.clone(), written.sha256.clone(), written.bytes);
    let attached = match deps.datasets.attach_upload(caller.workspace, id, upload).await {
        Ok(Some(attached)) => attached,
        // Whether it was attached is not known.
        Err(error @ Error::Unavailable { .. }) => return Err(error.into()),
        refused => {
            discard(&deps, &object).await;
            return Err(refused.err().map_or_else(absent, Refusal::from));
        }
    };
    if let Some(replaced) = attached.replaced {
        discard(&deps, &replaced).await;
    }
    Ok(Reply::no_content().etag(written.sha256))
}

/// Nothing refers to the object any more. One that cannot be deleted now only takes room.
async fn discard(deps: &Deps, object: &str) {
    if let Err(error) = deps.objects.delete(object).await {
        tracing::warn!(object, %error, because = because(&error), "upload that nothing refers to is left over");
    }
}
