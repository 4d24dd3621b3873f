//! `DELETE /v1/datasets/{id}`: forget a dataset and its content.
//!
//! Preparer. 204; 404; 409 `dataset_in_use` while a reconciliation refers to it. A dataset that is being read may be
//! deleted too.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform};
use recon_store::{Datasets, Objects};

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    datasets: Datasets,
    objects: Objects,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { datasets: platform.store.datasets(), objects: platform.store.objects() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::DATASET_DELETE.mount(handler::delete).with_state(deps)
}
