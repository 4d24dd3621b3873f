//! `GET /health`: the process runs. `GET /ready`: it may be sent requests.
//!
//! Public. `/health` is 200 always. `/ready` is 200, `degraded` where something shared does not answer any more (or a
//! database that is down would take every replica out of service), and 503 `draining`, `incompatible_schema`,
//! `foreign_objects`, or `unavailable` where it never did. The admin port answers the same: [`Probes`] decides.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform, Probes};

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    probes: Probes,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { probes: platform.probes.clone() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::HEALTH.mount(handler::health).merge(route::READY.mount(handler::ready)).with_state(deps)
}
