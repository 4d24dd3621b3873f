//! `GET /v1/datasets/{id}/rows`: the rows of a dataset as they stand in its file.
//!
//! Viewer. 200 with a page, in the order of the file, of `?status=accepted` (the default) or `rejected`; empty before the
//! content has been read; 404.

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
    route::DATASET_ROWS.mount(handler::list).with_state(deps)
}
