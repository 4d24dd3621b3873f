//! `PUT /v1/datasets/{id}/content`: send a dataset's bytes.
//!
//! Preparer. 204 with the content's SHA-256 as `ETag`; 404; 408 when it trickles; 409 `dataset_sealed` after completion;
//! 413 beyond `UPLOAD_BYTES_MAX`; 503 `foreign_objects` where nobody would find the bytes. Needs no key: the same bytes again are the same content, and the last ones count.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform};
use recon_store::{Datasets, Objects, Store};

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    store: Store,
    datasets: Datasets,
    objects: Objects,
    upload_bytes_max: u64,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self {
            store: platform.store.clone(),
            datasets: platform.store.datasets(),
            objects: platform.store.objects(),
            upload_bytes_max: platform.web.upload_bytes_max,
        }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::DATASET_UPLOAD.mount(handler::upload).with_state(deps)
}
