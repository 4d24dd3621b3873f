//! `GET /v1/sessions/current`: the session that the request was sent with, and whose it is.
//!
//! Any signed-in caller. 200; 401 once it has ended.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform};
use recon_store::Users;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    users: Users,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { users: platform.store.users() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::SESSION_GET.mount(handler::get).with_state(deps)
}
