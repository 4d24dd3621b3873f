//! Files that are made once, and fetched from the object store.

use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use recon_runtime::{Caller, Downloaded, Refusal};
use recon_store::{ObjectError, Trouble, object_name};

use crate::Deps;
use crate::handler::{Wanted, writing};

/// How long a caller waits until a file is made: of what a request may take, the rest is for sending it as it is made.
const MAKING_TIME_MAX: Duration = Duration::from_secs(20);

/// An address of the file, which is made if it is not there. The result never changes, so that of several who make it at once
/// each makes the same. `None` where the object store signs none, there is no room to make it, or that takes too long: then
/// nothing of it is kept.
pub(crate) async fn address(
    deps: &Deps,
    caller: &Caller,
    wanted: &Wanted,
) -> Result<Option<String>, Refusal> {
    if !deps.objects.signs() {
        return Ok(None);
    }
    let file_name = wanted.file_name();
    let object = object_name::export(wanted.id, wanted.attempt, &file_name);
    if !deps.objects.is_there(&object).await? {
        let bytes = Downloaded::kept(writing(deps, caller, wanted).await?);
        match tokio::time::timeout(MAKING_TIME_MAX, deps.objects.put_stream(&object, bytes, u64::MAX)).await {
            Ok(Err(ObjectError::Unavailable { trouble: Trouble::Busy, .. })) => return Ok(None),
            Ok(made) => made?,
            Err(_) => {
                tracing::info!(object, "a file takes long to make, and is sent as it is made");
                return Ok(None);
            }
        };
    }
    let media_type = wanted.format.media_type();
    Ok(deps.objects.sign_download(&object, &file_name, media_type, deps.clock.now()).await?)
}

/// The answer that leads there. The address is for this caller, and for a while.
pub(crate) fn redirect(address: &str) -> Result<Response, Refusal> {
    let place = HeaderValue::try_from(address).map_err(Refusal::internal)?;
    let headers = [(LOCATION, place), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
