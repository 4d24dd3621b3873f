//! Who sends a request.

use axum::extract::FromRequestParts;
use http::Extensions;
use http::request::Parts;
use recon_domain::{SessionId, UserId, UserRole, WorkspaceId};
use recon_session::SessionRecord;

use crate::Refusal;
use crate::gate::unmounted;

/// The signed-in caller, who has at least the route's role: who has not was refused before the handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The user's workspace, which every read and write is confined to.
    pub workspace: WorkspaceId,
    /// What the user may do.
    pub role: UserRole,
    /// The session.
    pub session: SessionId,
}

impl Caller {
    pub(crate) fn of(extensions: &Extensions) -> Result<&Self, Refusal> {
        extensions.get().ok_or_else(|| unmounted("a caller of a public route"))
    }
}

/// The session that the request was sent with, for the few endpoints that show or end it.
#[derive(Debug, Clone)]
pub struct CallerSession(pub SessionRecord);

impl<S: Send + Sync> FromRequestParts<S> for CallerSession {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get().cloned().ok_or_else(|| unmounted("the session of a caller without one"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Self::of(&parts.extensions).cloned()
    }
}

impl From<&SessionRecord> for Caller {
    fn from(session: &SessionRecord) -> Self {
        Self { user: session.user, workspace: session.workspace, role: session.role, session: session.id }
    }
}
