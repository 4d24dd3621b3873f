//! `DELETE /v1/sessions/current`: sign out.
//!
//! Any signed-in caller. 204, and the session's cookie is taken back. From then on the token is 401, here too.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform, SessionCookie};
use recon_session::Sessions;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    cookie: SessionCookie,
    sessions: Sessions,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { cookie: SessionCookie::of(&platform.web), sessions: platform.sessions() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::SESSION_CLOSE.mount(handler::close).with_state(deps)
}
