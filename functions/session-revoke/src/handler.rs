//! Ends sessions of the caller.

use axum::extract::State;
use recon_domain::SessionId;
use recon_runtime::{Answer, CallerSession, PathId, Refusal, Reply};
use recon_session::Revocation;

use crate::Deps;

pub(crate) async fn one(
    State(deps): State<Deps>,
    CallerSession(own): CallerSession,
    PathId(id): PathId<SessionId>,
) -> Answer<()> {
    match deps.sessions.revoke(own.tag, id).await? {
        Revocation::Revoked if id == own.id => Ok(Reply::no_content().cookie(deps.cookie.cleared())),
        Revocation::Revoked => Ok(Reply::no_content()),
        Revocation::Absent => Err(Refusal::not_found("session", id)),
    }
}

pub(crate) async fn all(State(deps): State<Deps>, CallerSession(own): CallerSession) -> Answer<()> {
    // The user's record first: should the session store not answer, the sessions are dead all the same.
    deps.users.revoke_sessions(own.workspace, own.user).await?;
    deps.sessions.revoke_all(own.tag, deps.clock.now()).await?;
    Ok(Reply::no_content().cookie(deps.cookie.cleared()))
}
