//! What the route table demands of a request before its handler sees it: size, session, role, time.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, ORIGIN};
use http::{Extensions, HeaderMap};
use recon_contract::route::{LimitClass, Method, Route};
use recon_contract::{Code, Problem};
use recon_session::{SessionRecord, SessionToken, Sessions, Touch};
use recon_store::Users;
use tokio::time::{Instant, timeout_at};

use crate::caller::CallerSession;
use crate::config::WebConfig;
use crate::cookie::SessionCookie;
use crate::{Caller, Clock, Platform, Refusal, because};

/// How long a request may take, from its head to its answer. Uploads have a pace instead of a time.
pub const REQUEST_TIME: Duration = Duration::from_secs(30);
/// Seconds after which a request that took too long may be tried again.
const RETRY_SECONDS: u32 = 1;

/// What is needed to let requests in.
#[derive(Clone)]
pub(crate) struct Gate {
    sessions: Sessions,
    users: Users,
    clock: Clock,
    cookie: SessionCookie,
    web: WebConfig,
}

/// How a request says who sends it.
enum Credential {
    Bearer(SessionToken),
    Cookie(SessionToken),
}

/// Lets a request through to its handler, or refuses it.
pub(crate) async fn enter(
    State(route): State<Route>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let gate = Gate::of_request(request.extensions())?.clone();
    let deadline = Instant::now() + REQUEST_TIME;
    gate.check_size(&route, request.headers())?;
    if route.access.needs_session() {
        let admitted = timeout_at(deadline, gate.admit(&route, request.headers()));
        let session = admitted.await.map_err(|_| timed_out())??;
        request.extensions_mut().insert(Caller::from(&session));
        request.extensions_mut().insert(CallerSession(session));
    }
    request.extensions_mut().insert(route);
    let answer = next.run(request);
    match route.limit {
        LimitClass::Upload => Ok(answer.await),
        LimitClass::Free | LimitClass::SignIn | LimitClass::Read | LimitClass::Write => {
            timeout_at(deadline, answer).await.map_err(|_| timed_out())
        }
    }
}

fn timed_out() -> Refusal {
    let detail = format!("no answer within {} seconds", REQUEST_TIME.as_secs());
    Problem::new(Code::TimedOut, detail).retry_after(RETRY_SECONDS).into()
}

impl Gate {
    pub(crate) fn of(platform: &Platform) -> Self {
        Self {
            sessions: platform.sessions(),
            users: platform.store.users(),
            clock: platform.clock.clone(),
            cookie: SessionCookie::of(&platform.web),
            web: platform.web.clone(),
        }
    }

    /// The gate that [`crate::app`] gave the request.
    pub(crate) fn of_request(extensions: &Extensions) -> Result<&Self, Refusal> {
        extensions.get().ok_or_else(|| unmounted("a request outside of `app`"))
    }

    pub(crate) const fn upload_bytes_max(&self) -> u64 {
        self.web.upload_bytes_max
    }

    /// What the request says of its size; what it does not say is counted as it arrives.
    fn check_size(&self, route: &Route, headers: &HeaderMap) -> Result<(), Refusal> {
        let limit = match route.limit {
            LimitClass::Upload => route.body_bytes_max.min(self.upload_bytes_max()),
            LimitClass::Free | LimitClass::SignIn | LimitClass::Read | LimitClass::Write => {
                route.body_bytes_max
            }
        };
        let said = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if said.is_some_and(|bytes| bytes > limit) { Err(too_large(limit)) } else { Ok(()) }
    }

    async fn admit(&self, route: &Route, headers: &HeaderMap) -> Result<SessionRecord, Refusal> {
        let (token, by_cookie) = match self.credential(headers)? {
            Credential::Bearer(token) => (token, false),
            Credential::Cookie(token) => (token, true),
        };
        let now = self.clock.now();
        let mut session = self.sessions.load(&token, now).await?.ok_or_else(ended)?;
        // A session store may bring back what was revoked; the user's own record does not.
        if !self.users.admits(session.workspace, session.user, session.authenticated_at).await? {
            return Err(ended());
        }
        if noted(self.sessions.touch(&session, now).await)? {
            session.last_seen_at = session.last_seen_at.max(now);
        }
        if by_cookie && route.method != Method::Get && !self.is_same_origin(headers) {
            let detail = "a request with a cookie must come from this service's own pages";
            return Err(Refusal::new(Code::CrossOrigin, detail));
        }
        if !route.access.admits(session.role) {
            let detail = format!("the role `{}` may not do this", session.role);
            return Err(Refusal::new(Code::Forbidden, detail));
        }
        Ok(session)
    }

    fn credential(&self, headers: &HeaderMap) -> Result<Credential, Refusal> {
        if let Some(line) = headers.get(AUTHORIZATION) {
            let token = line.to_str().ok().and_then(|line| line.split_once(' '));
            let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let (_, token) =
                token.ok_or_else(|| unauthenticated("`Authorization` must be `Bearer` and a token"))?;
            return SessionToken::parse(token.trim()).map(Credential::Bearer).map_err(|_| ended());
        }
        match self.cookie.token(headers) {
            Some(token) => SessionToken::parse(token).map(Credential::Cookie).map_err(|_| ended()),
            None => Err(unauthenticated("sign in with `POST /v1/sessions`, then send the token")),
        }
    }

    /// Whether a browser says that one of this service's own pages sent the request.
    fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        match (headers.get("sec-fetch-site"), text(ORIGIN)) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => match &self.web.public_url {
                Some(own) => own.to_string() == origin,
                None => origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == text(HOST)),
            },
            (None, None) => false,
        }
    }
}

/// The route that a request was mounted by.
pub(crate) fn route_of(extensions: &Extensions) -> Result<&Route, Refusal> {
    extensions.get().ok_or_else(|| unmounted("a handler that is not mounted by its route"))
}

pub(crate) fn too_large(limit: u64) -> Refusal {
    Refusal::new(Code::PayloadTooLarge, format!("the body is larger than {limit} bytes"))
}

/// Refuses a session that ended meanwhile, and says whether the sight of its user was written down. A note that could
/// not be written refuses nobody: the session was found alive, and a store that takes no writes may still be read.
fn noted(touched: Result<Touch, recon_session::Error>) -> Result<bool, Refusal> {
    match touched {
        Ok(Touch::Gone) => Err(ended()),
        Ok(Touch::Recent) => Ok(false),
        Ok(Touch::Written) => Ok(true),
        Err(error) => {
            tracing::warn!(%error, because = because(&error), "not noted that a session is in use");
            Ok(false)
        }
    }
}

fn ended() -> Refusal {
    unauthenticated("the session has ended, or never was")
}

fn unauthenticated(detail: &str) -> Refusal {
    Refusal::new(Code::Unauthenticated, detail)
}

/// A defect of this program, which a test of any route finds.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unmounted(&'static str);

pub(crate) fn unmounted(what: &'static str) -> Refusal {
    Refusal::internal(Unmounted(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_fails_refuses_nobody_and_a_session_that_is_gone_does() {
        let away = recon_session::Error::Unavailable("locked".into());
        for touched in [Ok(Touch::Recent), Ok(Touch::Written), Err(away)] {
            assert!(noted(touched).is_ok());
        }
        assert_eq!(noted(Ok(Touch::Gone)).unwrap_err().problem().code, Code::Unauthenticated);
    }
}
