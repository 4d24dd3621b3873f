//! `POST /v1/datasets/{id}/complete`: settle a dataset's content and have it read.
//!
//! Preparer. 202 with the dataset, `ingesting`; 404; 409 `content_missing`, `checksum_mismatch`, `dataset_sealed`.
//! Needs a key: the claim, the pinned upload and the ingest job are one transaction.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform};
use recon_store::Datasets;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    datasets: Datasets,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { datasets: platform.store.datasets() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::DATASET_COMPLETE.mount(handler::complete).with_state(deps)
}
