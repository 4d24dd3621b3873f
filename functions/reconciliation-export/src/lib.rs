//! `GET /v1/reconciliations/{id}/export`: a run's result as a file.
//!
//! Viewer. 200 with the file of `?what=matches|breaks|rejections&format=csv|json|parquet`, the same bytes as `recon match`
//! writes for the same files and rules, sent while they are made. Where objects are in a bucket, 303 to a signed address of the
//! file, which the first that asks for it has made; one that takes too long to make is sent as it is made there too. 409 `no_result` before the run has ended, and when it
//! ended without a result, and for what an earlier version stored that no file can be made of; 404. A failure half way breaks
//! the connection, as does a deletion. As a function: 422 `answer_too_large` for a file
//! that a load balancer would not take.

mod export;
mod handler;
mod kept;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Clock, Mount as _, Platform};
use recon_store::{Breaks, Objects, Reconciliations};

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    breaks: Breaks,
    clock: Clock,
    objects: Objects,
    reconciliations: Reconciliations,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        let store = &platform.store;
        Self {
            breaks: store.breaks(),
            clock: platform.clock.clone(),
            objects: store.objects(),
            reconciliations: store.reconciliations(),
        }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::RECONCILIATION_EXPORT.mount(handler::export).with_state(deps)
}
