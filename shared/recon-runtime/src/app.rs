//! What surrounds every router, once: request ids, refusals as problem documents, panics, security headers, one line
//! in the log for each request, and its metrics.

mod line;
mod request_id;
mod shape;

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, header};
use recon_contract::{Code, Problem};
use tracing::Instrument as _;

pub use self::request_id::RequestId;

use self::line::Line;
use crate::gate::Gate;
use crate::metrics::{self, InFlight};
use crate::problem::{self, Refusal};
use crate::{Ids, Platform};

/// What the surroundings need.
#[derive(Clone)]
struct Surroundings {
    ids: Ids,
    gate: Gate,
}

/// Puts the surroundings around a router, or around several that were merged. Call it once.
pub fn app(router: Router, platform: &Platform) -> Router {
    metrics::serves();
    let surroundings = Surroundings { ids: platform.ids.clone(), gate: Gate::of(platform) };
    router
        .method_not_allowed_fallback(async || {
            Refusal::new(Code::MethodNotAllowed, "the path has no such method")
        })
        .fallback(async || Refusal::new(Code::NotFound, "there is nothing at this path"))
        .layer(from_fn_with_state(surroundings, surround))
}

async fn surround(State(surroundings): State<Surroundings>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers(), &surroundings.ids);
    let line = Line::start(&request);
    let in_flight = InFlight::begin(&request);
    let span = tracing::info_span!("request", request_id = %id);
    let finished = async {
        request.extensions_mut().insert(id.clone());
        request.extensions_mut().insert(surroundings.gate);
        let response = match shape::check(&mut request) {
            Ok(()) => run(request, next).await,
            Err(problem) => Refusal::from(problem).into_response(),
        };
        let response = finish(response, &id);
        line.end(&response);
        match in_flight {
            Some(in_flight) => in_flight.answer(response),
            None => response,
        }
    };
    finished.instrument(span).await
}

/// Runs the handler. A panic ends the request and nothing else.
async fn run(request: Request, next: Next) -> Response {
    let running = AssertUnwindSafe(next.run(request)).catch_unwind();
    running.await.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().copied();
        let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words");
        tracing::error!(said, "handler panicked");
        Refusal::new(Code::Internal, "the service failed; the log has the cause").into_response()
    })
}

/// Renders a refusal, and adds the headers that every response has.
fn finish(mut response: Response, id: &RequestId) -> Response {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = refusal.into_document(id.as_str());
    } else if failed && !is_problem(&response) {
        response = problem::document(problem::of_status(response.status()), id.as_str());
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    headers.insert(RequestId::HEADER, id.value());
    response
}

fn is_problem(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == Problem::MEDIA_TYPE)
}

/// Answers are for the caller alone, are no documents to be framed or to run scripts in, and are what they say.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];
