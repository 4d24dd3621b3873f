//! The one line that the log has for each request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::Method;

/// A line that is written when the response is known. It has the route's template, never the path itself, whose
/// parts may be anybody's.
pub(super) struct Line {
    method: Method,
    route: Option<MatchedPath>,
    started: Instant,
}

impl Line {
    pub(super) fn start(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            route: request.extensions().get().cloned(),
            started: Instant::now(),
        }
    }

    pub(super) fn end(self, response: &Response) {
        let route = self.route.as_ref().map_or("-", MatchedPath::as_str);
        let status = response.status().as_u16();
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(method = %self.method, route, status, duration_ms, "request");
    }
}
