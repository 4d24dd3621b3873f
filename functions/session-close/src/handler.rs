//! Ends the session that the request was sent with.

use axum::extract::State;
use recon_runtime::{Answer, CallerSession, Reply};
use recon_session::Revocation;

use crate::Deps;

pub(crate) async fn close(State(deps): State<Deps>, CallerSession(session): CallerSession) -> Answer<()> {
    match deps.sessions.revoke(session.tag, session.id).await? {
        // Whoever else ended it meanwhile did what the caller wants.
        Revocation::Revoked | Revocation::Absent => Ok(Reply::no_content().cookie(deps.cookie.cleared())),
    }
}
