//! `POST /v1/reconciliations`: reconcile two datasets by a rule set.
//!
//! Preparer. 202 with `Location`; 404 for a dataset; 409 `dataset_not_ready`; 422 when a rule names what the columns
//! don't have. Needs a key: the claim, the reconciliation and its job are one transaction.

mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Ids, Mount as _, Platform};
use recon_store::{Datasets, Reconciliations};

/// What this endpoint may touch; its Lambda policy grants the same and no more.
#[derive(Clone)]
pub struct Deps {
    datasets: Datasets,
    ids: Ids,
    reconciliations: Reconciliations,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(platform: &Platform) -> Self {
        Self {
            datasets: platform.store.datasets(),
            ids: platform.ids.clone(),
            reconciliations: platform.store.reconciliations(),
        }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    route::RECONCILIATION_CREATE.mount(handler::create).with_state(deps)
}
