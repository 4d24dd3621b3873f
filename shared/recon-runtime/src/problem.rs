//! Problems as responses.

use std::error::Error;
use std::fmt::{self, Display};
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use recon_contract::{Code, Problem};

/// A request that is refused, or that failed: what the caller is told, and what the log is told besides.
///
/// Every error that a handler meets becomes one through `?`. [`crate::app`] renders it, so that the document has the
/// request's id.
#[derive(Debug, Clone)]
pub struct Refusal {
    problem: Box<Problem>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// An [`Ok`] of this type or a refusal.
pub type Outcome<T> = Result<T, Refusal>;

impl Refusal {
    /// A refusal that needs no line in the log.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// A failure, with its cause for the log.
    #[must_use]
    pub fn failed(problem: Problem, cause: impl Error + Send + Sync + 'static) -> Self {
        Self { problem: Box::new(problem), cause: Some(Arc::new(cause)) }
    }

    /// A fault of this service that the caller can do nothing about.
    #[must_use]
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::failed(Problem::new(Code::Internal, "the service failed; the log has the cause"), cause)
    }

    /// There is no such thing in the caller's workspace, whether or not there is one elsewhere.
    #[must_use]
    pub fn not_found(what: &str, id: impl Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what} {id}"))
    }

    /// What the caller is told.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The document for the caller, after the cause was logged.
    pub(crate) fn into_document(self, request_id: &str) -> Response {
        if let Some(cause) = &self.cause {
            let because = because(cause.as_ref());
            match self.problem.code {
                Code::Internal => {
                    tracing::error!(code = %self.problem.code, %cause, because, "request failed")
                }
                _ => tracing::warn!(code = %self.problem.code, %cause, because, "request failed"),
            }
        }
        document(*self.problem, request_id)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), cause: None }
    }
}

impl From<getrandom::Error> for Refusal {
    fn from(cause: getrandom::Error) -> Self {
        Self::internal(cause)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = status(&self.problem).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A record that holds what this version cannot read.
pub(crate) fn unreadable(error: impl Error + Send + Sync + 'static) -> Refusal {
    Refusal::internal(error)
}

/// What lies beneath an error, from the nearest cause to the first, for a line in the log.
///
/// Empty when the error is the first cause itself.
#[must_use]
pub fn because(error: &dyn Error) -> String {
    let mut causes = Vec::new();
    let mut beneath = error.source();
    while let Some(cause) = beneath {
        causes.push(cause.to_string());
        beneath = cause.source();
    }
    causes.join(": ")
}

fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The problem document (RFC 9457) as a response.
pub(crate) fn document(mut problem: Problem, request_id: &str) -> Response {
    problem.request_id = Some(request_id.to_owned());
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = (status(&problem), body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE));
    if let Some(seconds) = problem.retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let allow = problem.allow.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(allow) = HeaderValue::try_from(allow).ok().filter(|allow| !allow.is_empty()) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// What stands for a response that says nothing but its status: the framework's own refusals.
pub(crate) fn of_status(status: StatusCode) -> Problem {
    let code = Code::ALL.iter().copied().find(|code| code.status() == status.as_u16());
    match code {
        Some(code) => Problem::new(code, code.title()),
        None if status.is_client_error() => {
            Problem::new(Code::InvalidParameter, "the request cannot be understood")
        }
        None => Problem::new(Code::Internal, Code::Internal.title()),
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn Error + 'static))
    }
}
