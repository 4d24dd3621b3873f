//! `GET /health`: the process runs. `GET /ready`: it may be sent requests.
//!
//! Public. `/health` is 200 always. `/ready` is 200, `degraded` where something shared does not answer (or a database
//! that is down would take every replica out of service), and 503 `draining`, `incompatible_schema` or `foreign_objects`.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform, Process};
use recon_store::Store;

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    process: Process,
    store: Store,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self { process: platform.process.clone(), store: platform.store.clone() }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::HEALTH.mount(handler::health).merge(route::READY.mount(handler::ready)).with_state(deps)
}
