//! `DELETE /v1/reconciliations/{id}`: forget a reconciliation and its result.
//!
//! Approver. 204; 404; 409 `reconciliation_running` before its end. Its datasets are free with the answer.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform};
use recon_store::{Leftovers, Reconciliations};

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    leftovers: Leftovers,
    reconciliations: Reconciliations,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { leftovers: platform.store.leftovers(), reconciliations: platform.store.reconciliations() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::RECONCILIATION_DELETE.mount(handler::delete).with_state(deps)
}
