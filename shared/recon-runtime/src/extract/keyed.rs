//! Requests that are safe to repeat.

use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::request::Parts;
use recon_contract::{Code, request};
use recon_idempotency::{
    Guard, IdempotencyKey, KeyError, RETENTION_DEFAULT, Scope, StoredResponse, Unanswered, preferred_wait,
};

use super::payload::json_body;
use crate::{Answer, Caller, Refusal};

/// A JSON body as what it means, and the `Idempotency-Key` that makes it safe to repeat.
///
/// The guard lacks only how its answer is rendered. What the document says is judged before the key is read, so
/// that a request which could never run leaves no key behind.
#[derive(Debug)]
pub struct Keyed<T> {
    /// Scope, key, fingerprint, and how long the client is ready to wait for somebody else who has its key (`Prefer: wait=n`).
    pub guard: Repeatable,
    /// What is asked.
    pub request: T,
}

/// A request with its key, whose answer nobody knows how to render yet.
#[derive(Debug)]
pub struct Repeatable(Unanswered);

impl Repeatable {
    /// Adds how the answer is rendered from what the store made. An answer that is a refusal rolls the work back.
    #[must_use]
    pub fn answering<V, T>(self, render: impl Fn(&V) -> Answer<T> + Send + Sync + 'static) -> Guard<V> {
        self.0.answering(move |value| match render(value) {
            Ok(reply) => reply.into(),
            Err(refusal) => StoredResponse::new(refusal.problem().status(), NO_HEADERS, Vec::new()),
        })
    }
}

const NO_HEADERS: [(&str, String); 0] = [];

impl<S: Send + Sync, T: request::Request> FromRequest<S> for Keyed<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let (parts, body) = json_body::<T>(request).await?;
        let request = request::parse(&body)?;
        Ok(Self { guard: guard(&parts, &body)?, request })
    }
}

/// One of the caller's own keys: the one that `Idempotency-Key` names, which this request does not use.
#[derive(Debug)]
pub struct OwnKey {
    /// Whose it is.
    pub scope: Scope,
    /// The key.
    pub key: IdempotencyKey,
}

impl<S: Send + Sync> FromRequestParts<S> for OwnKey {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let key = key(parts)?;
        Ok(Self { scope: scope(parts)?, key })
    }
}

fn key(parts: &Parts) -> Result<IdempotencyKey, Refusal> {
    let lines = parts.headers.get_all("idempotency-key").iter().map(http::HeaderValue::as_bytes);
    IdempotencyKey::from_lines(lines).map_err(refused)
}

fn scope(parts: &Parts) -> Result<Scope, Refusal> {
    let caller = Caller::of(&parts.extensions)?;
    Ok(Scope { workspace: caller.workspace.uuid(), principal: caller.user.uuid() })
}

fn guard(parts: &Parts, body: &Bytes) -> Result<Repeatable, Refusal> {
    let (key, scope) = (key(parts)?, scope(parts)?);
    let headers: Vec<(&str, &[u8])> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let media_type = parts.headers.get("content-type").and_then(|value| value.to_str().ok());
    let asked = recon_idempotency::Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        media_type: media_type.unwrap_or_default(),
        headers: &headers,
        body,
    };
    let wait = preferred_wait(parts.headers.get_all("prefer").iter().map(http::HeaderValue::as_bytes));
    Ok(Repeatable(Unanswered::new(scope, key, &asked, RETENTION_DEFAULT).waiting(wait)))
}

fn refused(error: KeyError) -> Refusal {
    let code = match error {
        KeyError::Missing => Code::IdempotencyKeyMissing,
        KeyError::Invalid => Code::IdempotencyKeyInvalid,
    };
    Refusal::new(code, error.to_string())
}
