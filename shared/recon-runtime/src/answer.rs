//! Answers of handlers.

use std::fmt::Display;
use std::marker::PhantomData;

use axum::body::Body as Content;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, SET_COOKIE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use recon_contract::{Code, Problem};
use recon_idempotency::{Body, ClaimOutcome, StoreTime, StoredResponse};
use serde::Serialize;

use crate::Refusal;

/// What a handler returns: a reply with a `T` on the wire, or a refusal.
pub type Answer<T> = Result<Reply<T>, Refusal>;

/// A status, headers, and a `T` as JSON.
#[derive(Debug)]
pub struct Reply<T> {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    wire: PhantomData<fn() -> T>,
}

impl<T: Serialize> Reply<T> {
    /// 200.
    #[must_use]
    pub fn ok(value: &T) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// 201.
    #[must_use]
    pub fn created(value: &T) -> Self {
        Self::json(StatusCode::CREATED, value)
    }

    /// 202.
    #[must_use]
    pub fn accepted(value: &T) -> Self {
        Self::json(StatusCode::ACCEPTED, value)
    }

    /// Another status than the common ones.
    #[must_use]
    pub fn json(status: StatusCode, value: &T) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        match serde_json::to_vec(value) {
            Ok(body) => Self { status, headers, body, wire: PhantomData },
            Err(error) => {
                tracing::error!(%error, "a value has no JSON form");
                Self::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl<T> Reply<T> {
    /// 204.
    #[must_use]
    pub fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    /// 304.
    #[must_use]
    pub fn not_modified() -> Self {
        Self::empty(StatusCode::NOT_MODIFIED)
    }

    /// 200 with a text of this media type, as it is.
    #[must_use]
    pub fn text(media_type: &'static str, text: &str) -> Self {
        let reply = Self { body: text.as_bytes().to_vec(), ..Self::empty(StatusCode::OK) };
        reply.header(CONTENT_TYPE, HeaderValue::from_static(media_type))
    }

    /// What became of a guarded request: fresh or replayed, or the refusal of a key that is in use elsewhere.
    ///
    /// # Errors
    /// [`Code::IdempotencyKeyInProgress`] and [`Code::IdempotencyKeyReused`].
    pub fn claimed<V>(outcome: ClaimOutcome<V>) -> Answer<T> {
        match outcome {
            ClaimOutcome::Fresh { value: _, response } => Self::stored(response),
            ClaimOutcome::Replay { response, expires_at } => {
                let yes = HeaderValue::from_static("true");
                Ok(Self::stored(response)?
                    .header(HeaderName::from_static("idempotency-replayed"), yes.clone())
                    .header(HeaderName::from_static("idempotent-replayed"), yes)
                    .with(HeaderName::from_static("idempotency-expires"), instant(expires_at)))
            }
            ClaimOutcome::InFlight { retry_after } => {
                let detail = "a request with this key is still being executed; ask again with the same key";
                let seconds = u32::try_from(retry_after.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
                Err(Problem::new(Code::IdempotencyKeyInProgress, detail).retry_after(seconds).into())
            }
            ClaimOutcome::Mismatch => {
                let detail = "this key was used with another request; use a new key";
                Err(Refusal::new(Code::IdempotencyKeyReused, detail))
            }
        }
    }

    /// With the place of what was made.
    #[must_use]
    pub fn location(self, path: impl Display) -> Self {
        self.with(LOCATION, path)
    }

    /// With a strong validator, given without its quotes. The caller may keep the answer, and asks before using it.
    #[must_use]
    pub fn etag(self, tag: impl Display) -> Self {
        let revalidated = HeaderValue::from_static("private, no-cache");
        self.with(ETAG, format_args!("\"{tag}\"")).header(CACHE_CONTROL, revalidated)
    }

    /// With the seconds after which it is worth to ask again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(RETRY_AFTER, seconds.into())
    }

    /// With a cookie, unless it is none that a header can carry.
    #[must_use]
    pub fn cookie(self, cookie: Option<HeaderValue>) -> Self {
        match cookie {
            Some(cookie) => self.header(SET_COOKIE, cookie),
            None => self,
        }
    }

    /// With a policy for what a browser may do with it, instead of the one that lets it do nothing.
    #[must_use]
    pub fn policy(self, policy: Option<&str>) -> Self {
        match policy {
            Some(policy) => self.with(CONTENT_SECURITY_POLICY, policy),
            None => self,
        }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// With a header of plain text; what is no header's text is left out.
    fn with(self, name: HeaderName, value: impl Display) -> Self {
        match HeaderValue::try_from(value.to_string()) {
            Ok(value) => self.header(name, value),
            Err(_) => self,
        }
    }

    fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Vec::new(), wire: PhantomData }
    }

    fn stored(response: StoredResponse) -> Answer<T> {
        let (status, headers, body) = response.into_parts();
        let Body::Inline(body) = body else {
            // No answer of this service is long enough to be kept by reference.
            return Err(Refusal::new(Code::Internal, Code::Internal.title()));
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut reply = Self { body, ..Self::empty(status) };
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                reply.headers.append(name, value);
            }
        }
        Ok(reply)
    }
}

fn instant(time: StoreTime) -> String {
    Timestamp::from_microsecond(time.micros()).map_or_else(|_| String::new(), |instant| instant.to_string())
}

impl<T> From<Reply<T>> for StoredResponse {
    fn from(reply: Reply<T>) -> Self {
        let headers =
            reply.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        Self::new(reply.status.as_u16(), headers, reply.body)
    }
}

impl<T> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        // A body of bytes would bring a media type of its own.
        (self.status, self.headers, Content::from(self.body)).into_response()
    }
}
