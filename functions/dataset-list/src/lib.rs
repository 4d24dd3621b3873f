//! `GET /v1/datasets`: the workspace's datasets, the newest first.
//!
//! Viewer. 200 with a page.

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
    route::DATASET_LIST.mount(handler::list).with_state(deps)
}
