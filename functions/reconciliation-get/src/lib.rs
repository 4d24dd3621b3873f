//! `GET /v1/reconciliations/{id}`: how far a reconciliation is, and what it amounts to.
//!
//! Viewer. 200 with `ETag`, 304; 404. `?wait=SECONDS` answers at the end of the run, or when the time is over.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform, Process};
use recon_store::Reconciliations;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    process: Process,
    reconciliations: Reconciliations,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { process: platform.process.clone(), reconciliations: platform.store.reconciliations() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::RECONCILIATION_GET.mount(handler::get).with_state(deps)
}
