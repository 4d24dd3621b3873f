//! `POST /v1/reconciliations/{id}/cancel`: stop a reconciliation.
//!
//! Preparer. 202 with the reconciliation, `cancelled`; 404; 409 `already_finished`. The body is empty or `{}`.
//! Needs a key: the claim, the end of the reconciliation and that of its job are one transaction. A worker that is at it
//! notices within a second, publishes nothing and takes away what it wrote.

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
    route::RECONCILIATION_CANCEL.mount(handler::cancel).with_state(deps)
}
