//! `GET /openapi.json`: the contract of this API as OpenAPI 3.1. `GET /docs`: the same as a page for people.
//!
//! Public. 200 with `ETag`, 304. Both are files of the build, which `cargo xtask openapi` writes. The page loads nothing,
//! and its policy lets it run its own script and no other.

mod document;
mod handler;

use axum::Router;
use recon_contract::route;
use recon_runtime::{Mount as _, Platform};

use crate::document::Document;

/// What this endpoint may touch: nothing but its two files.
#[derive(Clone)]
pub struct Deps {
    contract: Document,
    page: Document,
}

impl Deps {
    /// This endpoint's part of the platform.
    #[must_use]
    pub fn open(_: &Platform) -> Self {
        Self { contract: Document::json(recon_contract::OPENAPI_JSON), page: Document::html(document::PAGE) }
    }
}

/// The endpoint.
pub fn router(deps: Deps) -> Router {
    let contract = route::OPENAPI.mount(handler::contract);
    contract.merge(route::DOCS.mount(handler::page)).with_state(deps)
}
