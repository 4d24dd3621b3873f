//! `POST /v1/datasets/{id}/complete`: settle a dataset's content and have it read.
//!
//! Preparer. 202 with the dataset, `ingesting`; 404; 409 `content_missing`, `checksum_mismatch`, `dataset_sealed`; 413 when what
//! came by a signed address is larger than `UPLOAD_BYTES_MAX`; 503 `foreign_objects`. What came so is hashed when it is read:
//! of other bytes than those that were meant the dataset is rejected then. Needs a key: the claim, the pinned upload and the ingest job are one transaction.

mod arrived;
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
    route::DATASET_COMPLETE.mount(handler::complete).with_state(deps)
}
