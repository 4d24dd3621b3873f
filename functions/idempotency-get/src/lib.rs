//! `GET /v1/idempotency`: what became of one of the caller's keys, which `Idempotency-Key` names.
//!
//! Any signed-in caller, about their own keys. 200; 404 for a key that was never used or is forgotten; 400 without a key, or
//! with what is none.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform};
use recon_store::Keys;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    keys: Keys,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { keys: platform.store.keys() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::IDEMPOTENCY_GET.mount(handler::get).with_state(deps)
}
