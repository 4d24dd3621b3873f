//! `DELETE /v1/sessions/{id}`: end one of the caller's sessions; `DELETE /v1/sessions`: end all of them.
//!
//! Any signed-in caller. 204; 404 where the caller has no such session, which may be another's. The sessions' tokens are
//! 401 from then on. Where the caller's own session is among them, its cookie is taken back.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Clock, Mount as _, Platform, SessionCookie};
use recon_session::Sessions;
use recon_store::Users;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    clock: Clock,
    cookie: SessionCookie,
    sessions: Sessions,
    users: Users,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self {
            clock: platform.clock.clone(),
            cookie: SessionCookie::of(&platform.web),
            sessions: platform.sessions(),
            users: platform.store.users(),
        }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    let one = route::SESSION_REVOKE.mount(handler::one);
    one.merge(route::SESSION_REVOKE_ALL.mount(handler::all)).with_state(deps)
}
