//! Probes and documentation.

use serde_json::json;

use crate::health::{Health, Ready};
use crate::idempotency::KeyUse;
use crate::openapi::operation::{Content, Operation};
use crate::problem::Code;
use crate::route;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "health",
            route::HEALTH,
            "Whether the process runs",
            "For liveness probes. It looks at nothing else, so that no process is killed for a fault of its surroundings.",
        )
        .answers::<Health>(200, "It runs.", json!({ "status": "ok", "version": "0.1.0" })),
        Operation::new(
            "ready",
            route::READY,
            "Whether the process may be sent requests",
            "For readiness probes. Something shared that does not answer any more is `degraded`, not 503: taking every process \
             out of service would help nobody. Before it answered for the first time, the process is not ready.",
        )
        .answers::<Ready>(
            200,
            "It may be sent requests.",
            json!({ "status": "ready", "checks": { "database": "ok", "objects": "ok" } }),
        )
        .refuses(&[Code::Unavailable, Code::Draining, Code::IncompatibleSchema, Code::ForeignObjects]),
        Operation::new(
            "idempotency_get",
            route::IDEMPOTENCY_GET,
            "Show what became of a key",
            "Whether the request that one of your own keys belongs to was answered, and with which status. A key that you \
             never used, or that is forgotten, is 404: the same request runs with it.",
        )
        .about_key()
        .answers::<KeyUse>(
            200,
            "What became of it.",
            json!({
                "state": "completed", "method": "POST", "path": "/v1/datasets", "status": 201,
                "expires_at": "2026-03-02T09:00:00Z",
            }),
        )
        .refuses(&[Code::NotFound]),
        Operation::new(
            "openapi",
            route::OPENAPI,
            "This document",
            "The contract of this API as OpenAPI 3.1.",
        )
        .conditional()
        .answers_with(200, "The document.", Content::Other(vec!["application/json"])),
        Operation::new(
            "docs",
            route::DOCS,
            "This document as a page",
            "The same for people: one page that loads nothing else.",
        )
        .conditional()
        .answers_with(200, "The page.", Content::Other(vec!["text/html"])),
    ]
}
