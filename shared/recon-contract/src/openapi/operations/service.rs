//! Probes and documentation.

use serde_json::json;

use crate::health::{Health, Ready};
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
            "For readiness probes. Something shared that does not answer is `degraded`, not 503: taking every process out \
             of service would help nobody.",
        )
        .answers::<Ready>(
            200,
            "It may be sent requests.",
            json!({ "status": "ready", "checks": { "database": "ok", "objects": "ok" } }),
        )
        .refuses(&[Code::Draining, Code::IncompatibleSchema]),
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
