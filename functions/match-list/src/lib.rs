//! `GET /v1/reconciliations/{id}/matches`: the rows that belong together.
//!
//! Viewer. 200 with a page, in the run's own order, of `?pass=&status=`; empty before the run has ended; 404.

mod handler;
mod matches;

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
    route::MATCH_LIST.mount(handler::list).with_state(deps)
}
