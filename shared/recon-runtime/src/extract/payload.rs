//! JSON bodies.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use recon_contract::route::Route;
use recon_contract::{Code, request};

use crate::Refusal;
use crate::gate::{route_of, too_large};

/// A JSON body as what it means.
///
/// 413 when it is larger than the route takes, 415 when it is no JSON by its media type, 400 when it does not read,
/// 422 with JSON pointers when it says something impossible.
#[derive(Debug)]
pub struct Payload<T>(pub T);

impl<S: Send + Sync, T: request::Request> FromRequest<S> for Payload<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let (_, body) = json_body::<T>(request).await?;
        Ok(Self(request::parse(&body)?))
    }
}

/// The parts and the body of a request whose media type is JSON. No bytes have no media type.
pub(super) async fn json_body<T: request::Request>(request: Request) -> Result<(Parts, Bytes), Refusal> {
    let route = *route_of(request.extensions())?;
    let (parts, body) = request.into_parts();
    let is_json = is_json(&parts);
    if !is_json && !T::MAY_BE_EMPTY {
        return Err(not_json());
    }
    let limit = usize::try_from(route.body_bytes_max).unwrap_or(usize::MAX);
    let body = Limited::new(body, limit).collect().await;
    let body = body.map_err(|error| broken(&route, error.as_ref()))?.to_bytes();
    if is_json || body.is_empty() { Ok((parts, body)) } else { Err(not_json()) }
}

fn not_json() -> Refusal {
    let detail = "the body must be JSON, with `Content-Type: application/json`";
    Refusal::new(Code::UnsupportedMediaType, detail)
}

fn broken(route: &Route, error: &(dyn std::error::Error + 'static)) -> Refusal {
    if error.is::<LengthLimitError>() {
        too_large(route.body_bytes_max)
    } else {
        Refusal::new(Code::MalformedBody, "the body ended before its end")
    }
}

fn is_json(parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}
