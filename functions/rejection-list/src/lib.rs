//! `GET /v1/reconciliations/{id}/rejections`: the rows that became no entries, as many as the summary counts.
//!
//! Viewer. 200 with a page, left before right, each in file order, of `?side=`; empty before the run has ended; 404.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform};
use recon_store::{Objects, Reconciliations};

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    objects: Objects,
    reconciliations: Reconciliations,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { objects: platform.store.objects(), reconciliations: platform.store.reconciliations() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::REJECTION_LIST.mount(handler::list).with_state(deps)
}
