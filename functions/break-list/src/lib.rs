//! `GET /v1/reconciliations/{id}/breaks`: the rows that are left over, each with its reason.
//!
//! Viewer. 200 with a page, by side and row, of `?side=&kind=&status=`; empty before the run has ended; 404.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform};
use recon_store::Breaks;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    breaks: Breaks,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { breaks: platform.store.breaks() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::BREAK_LIST.mount(handler::list).with_state(deps)
}
