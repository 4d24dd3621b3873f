//! `POST /v1/datasets`: announce a dataset and learn where its content goes.
//!
//! Preparer. 201 with `Location` and `upload`, which says where the content goes and until when: a signed address where objects
//! are in a bucket, else this API; 422 when an option says something impossible. Needs a key: the claim and the dataset are one transaction.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Clock, Ids, Mount as _, Platform};
use recon_store::{Datasets, Objects};

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    datasets: Datasets,
    objects: Objects,
    clock: Clock,
    ids: Ids,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self {
            datasets: platform.store.datasets(),
            objects: platform.store.objects(),
            clock: platform.clock.clone(),
            ids: platform.ids.clone(),
        }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::DATASET_CREATE.mount(handler::create).with_state(deps)
}
