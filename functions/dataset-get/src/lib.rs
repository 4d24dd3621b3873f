//! `GET /v1/datasets/{id}`: a dataset, with what reading its content found out.
//!
//! Viewer. 200; 404.

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
    route::DATASET_GET.mount(handler::get).with_state(deps)
}
