//! `GET /v1/sessions`: where the caller is signed in.
//!
//! Any signed-in caller. 200 with a page of the caller's sessions that are alive, the newest first.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Clock, Mount as _, Platform};
use recon_session::Sessions;
use recon_store::Users;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    clock: Clock,
    sessions: Sessions,
    users: Users,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { clock: platform.clock.clone(), sessions: platform.sessions(), users: platform.store.users() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::SESSION_LIST.mount(handler::list).with_state(deps)
}
