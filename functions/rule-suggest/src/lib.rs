//! `POST /v1/rules/suggest`: rules for two datasets with the evidence for them, or a dry run of given rules.
//!
//! Preparer. 200; 404 for a dataset; 409 `dataset_not_ready`; 422 when given rules name what the columns don't have
//! or the rows do not fit them. Changes nothing, so it needs no key. The work is bounded by the sample that is looked at, and ends
//! when the caller goes away or the time of a request is over.

mod handler;
mod looking;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform};
use recon_store::{Datasets, Objects};

use looking::Looking;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    datasets: Datasets,
    objects: Objects,
    looking: Looking,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self {
            datasets: platform.store.datasets(),
            objects: platform.store.objects(),
            looking: Looking::default(),
        }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::RULE_SUGGEST.mount(handler::suggest).with_state(deps)
}
