//! `GET /v1/reconciliations`: the workspace's reconciliations.
//!
//! Viewer. 200 with a page, newest first, of `?status=`.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform};
use recon_store::Reconciliations;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    reconciliations: Reconciliations,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { reconciliations: platform.store.reconciliations() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::RECONCILIATION_LIST.mount(handler::list).with_state(deps)
}
