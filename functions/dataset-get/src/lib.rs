//! `GET /v1/datasets/{id}`: a dataset, with what reading its content found out.
//!
//! Viewer. 200; 404. Who may upload is told a new signed address for the content that is awaited, where objects are in a bucket.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Clock, Mount as _, Platform};
use recon_store::{Datasets, Objects};

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    datasets: Datasets,
    objects: Objects,
    clock: Clock,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self {
            datasets: platform.store.datasets(),
            objects: platform.store.objects(),
            clock: platform.clock.clone(),
        }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::DATASET_GET.mount(handler::get).with_state(deps)
}
