//! `POST /v1/datasets`: announce a dataset and learn where its content goes.
//!
//! Preparer. 201 with `Location` and `upload`, which says until when it is waited for; 422 when an option says something
//! impossible. Needs a key: the claim and the dataset are one transaction.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Ids, Mount as _, Platform};
use recon_store::Datasets;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    datasets: Datasets,
    ids: Ids,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { datasets: platform.store.datasets(), ids: platform.ids.clone() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::DATASET_CREATE.mount(handler::create).with_state(deps)
}
