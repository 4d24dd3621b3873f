//! `POST /v1/sessions`: sign in with email and password.
//!
//! Public. 201 with the token, which is shown once, and the session's cookie; 401 `invalid_credentials`, in the same
//! words and the same time whether or not there is such a user. Needs no key: a token is never kept for replay.

mod handler;
mod passwords;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Clock, Ids, Mount as _, Platform, SessionCookie};
use recon_session::Sessions;
use recon_store::Users;

use crate::passwords::Passwords;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    clock: Clock,
    cookie: SessionCookie,
    ids: Ids,
    passwords: Passwords,
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
            ids: platform.ids.clone(),
            passwords: Passwords::new(),
            sessions: platform.sessions(),
            users: platform.store.users(),
        }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::SESSION_OPEN.mount(handler::open).with_state(deps)
}
