//! Shows the caller's session.

use axum::extract::State;
use recon_contract::Session;
use recon_runtime::{Answer, CallerSession, Refusal, Reply, wire};

use crate::Deps;

pub(crate) async fn get(State(deps): State<Deps>, CallerSession(session): CallerSession) -> Answer<Session> {
    let profile = deps.users.profile(session.workspace, session.user).await?;
    let profile = profile.ok_or_else(|| Refusal::not_found("user", session.user))?;
    Ok(Reply::ok(&wire::session(&session, wire::user(&profile.user, profile.workspace_name))))
}
