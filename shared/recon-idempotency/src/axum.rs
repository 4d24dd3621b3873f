//! For handlers of [axum](https://docs.rs/axum): the key of a request, and outcomes as answers.
//!
//! Whoever authenticates a request puts its [`Scope`] among the request's extensions. A handler takes [`Keyed`] as its last
//! argument and answers with the [`ClaimOutcome`] that its store gave it.

use std::time::Duration;

use axum_core::body::Body as HttpBody;
use axum_core::extract::{FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::{
    Body, ClaimOutcome, Error, IdempotencyKey, KeyError, RETENTION_DEFAULT, Request as Asked, Scope,
    StoredResponse, Unanswered, preferred_wait,
};

/// Seconds after which a store that did not answer may be asked again.
const RETRY_SECONDS: u64 = 2;

/// A request with its key and its body. Without a usable key it is refused with 400, without a [`Scope`] with 401.
#[derive(Debug)]
pub struct Keyed {
    /// Scope, key, fingerprint, and how long the client is ready to wait (`Prefer: wait=n`).
    pub request: Unanswered,
    /// The body, which the router's limit bounds.
    pub body: Bytes,
}

/// A refusal: a problem document (RFC 9457) with a stable code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    detail: &'static str,
    retry_after: Option<u64>,
}

impl Refusal {
    const fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self { status, code, detail, retry_after: None }
    }

    const UNAUTHENTICATED: Self =
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "the request needs a signed-in caller");
    const UNREADABLE: Self =
        Self::new(StatusCode::BAD_REQUEST, "malformed_body", "the body cannot be read, or is too long");
    const REUSED: Self = Self::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "this key was used with another request; use a new key",
    );

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    fn in_progress(retry_after: Duration) -> Self {
        let seconds = u64::try_from(retry_after.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
        let detail = "a request with this key is still being executed; ask again with the same key";
        let refusal = Self::new(StatusCode::CONFLICT, "idempotency_key_in_progress", detail);
        Self { retry_after: Some(seconds.max(1)), ..refusal }
    }

    fn unavailable() -> Self {
        let detail = "the store of idempotency keys does not answer";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Self { retry_after: Some(RETRY_SECONDS), ..refusal }
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        let detail = match error {
            KeyError::Missing => "the request needs an idempotency key",
            KeyError::Invalid => "the idempotency key is not one quoted string or token of 1 to 255 bytes",
        };
        Self::new(StatusCode::BAD_REQUEST, error.code(), detail)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let document = serde_json::json!({
            "type": "about:blank", "title": self.status.canonical_reason(), "status": self.status.as_u16(),
            "code": self.code, "detail": self.detail,
        });
        let mut response = Response::new(HttpBody::from(document.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// 503 where the store did not answer, 409 where somebody else has the key, else 500. The cause is for the log.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::InFlight { retry_after } => Refusal::in_progress(retry_after).into_response(),
            Self::Unstorable(_) | Self::Corrupt { .. } | Self::Raced => {
                let detail = "the request was not executed; the log has the cause";
                Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
            }
            _ => Refusal::unavailable().into_response(),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Keyed {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let scope = parts.extensions.get::<Scope>().copied().ok_or(Refusal::UNAUTHENTICATED)?;
        let lines = parts.headers.get_all("idempotency-key").iter().map(HeaderValue::as_bytes);
        let key = IdempotencyKey::from_lines(lines)?;
        let wait = preferred_wait(parts.headers.get_all("prefer").iter().map(HeaderValue::as_bytes));
        let whole = Request::from_parts(parts.clone(), body);
        let body = Bytes::from_request(whole, state).await.map_err(|_| Refusal::UNREADABLE)?;
        let headers: Vec<(&str, &[u8])> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let media_type = parts.headers.get("content-type").and_then(|value| value.to_str().ok());
        let asked = Asked {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            media_type: media_type.unwrap_or_default(),
            headers: &headers,
            body: &body,
        };
        let request = Unanswered::new(scope, key, &asked, RETENTION_DEFAULT).waiting(wait);
        Ok(Self { request, body })
    }
}

/// Fresh and replayed answers as they were stored, the latter with `Idempotency-Replayed`, `Idempotent-Replayed` and
/// `Idempotency-Expires`; refusals as problem documents.
impl<T> IntoResponse for ClaimOutcome<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Fresh { response, .. } => response.into_response(),
            Self::Replay { response, expires_at } => {
                let mut response = response.into_response();
                let headers = response.headers_mut();
                for name in ["idempotency-replayed", "idempotent-replayed"] {
                    headers.insert(HeaderName::from_static(name), HeaderValue::from_static("true"));
                }
                if let Ok(expires) = HeaderValue::try_from(expires_at.to_string()) {
                    headers.insert(HeaderName::from_static("idempotency-expires"), expires);
                }
                response
            }
            Self::InFlight { retry_after } => Refusal::in_progress(retry_after).into_response(),
            Self::Mismatch => Refusal::REUSED.into_response(),
        }
    }
}

/// As it was stored. A body that is kept as a reference has to be rendered by the caller; here it is empty.
impl IntoResponse for StoredResponse {
    fn into_response(self) -> Response {
        let (status, headers, body) = self.into_parts();
        let body = match body {
            Body::Inline(bytes) => HttpBody::from(bytes),
            Body::Reference(_) => HttpBody::empty(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}
