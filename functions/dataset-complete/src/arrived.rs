//! What came to signed addresses, past this service.

use recon_contract::Code;
use recon_domain::DatasetId;
use recon_runtime::{Caller, Refusal, because};
use recon_store::{DatasetStatus, Error, ObjectEntry, Tie, Upload};

use crate::Deps;

/// Attaches the last upload that came to a signed address, unless what is attached came later. What cannot be attached any
/// more, and what there is no dataset for, is left to the one transaction that completes.
pub(crate) async fn attach(deps: &Deps, caller: &Caller, id: DatasetId) -> Result<(), Refusal> {
    if !deps.objects.signs() {
        return Ok(());
    }
    let Some(dataset) = deps.datasets.get(caller.workspace, id).await? else { return Ok(()) };
    if dataset.status != DatasetStatus::AwaitingUpload {
        return Ok(());
    }
    let attached = dataset.upload.as_ref().map(|upload| upload.object.as_str());
    let Some(last) = deps.objects.arrived(id, attached).await?.pop() else { return Ok(()) };
    if attached == Some(last.name.as_str()) {
        return Ok(());
    }
    if last.bytes > deps.upload_bytes_max {
        discard(deps, &last.name).await;
        let detail = format!(
            "{} bytes were uploaded, and the limit is {}; they are deleted",
            last.bytes, deps.upload_bytes_max
        );
        return Err(Refusal::new(Code::PayloadTooLarge, detail));
    }
    if deps.store.objects_tie().await? == Tie::Foreign {
        let detail =
            "this server stores objects elsewhere than its records say; its operators have to mend that";
        return Err(Refusal::new(Code::ForeignObjects, detail));
    }
    let ObjectEntry { name, bytes, etag, modified: _ } = last;
    let upload = Upload { object: name, sha256: None, bytes, etag };
    let attached = match deps.datasets.attach_upload(caller.workspace, id, upload).await {
        // The same request, sent twice at once, was faster: the key knows its answer.
        Err(Error::UploadClosed { .. }) => return Ok(()),
        attached => attached?,
    };
    if let Some(replaced) = attached.and_then(|attached| attached.replaced) {
        discard(deps, &replaced).await;
    }
    Ok(())
}

/// Nothing refers to the object any more. One that cannot be deleted now only takes room.
async fn discard(deps: &Deps, object: &str) {
    if let Err(error) = deps.objects.delete(object).await {
        tracing::warn!(object, %error, because = because(&error), "upload that nothing refers to is left over");
    }
}
