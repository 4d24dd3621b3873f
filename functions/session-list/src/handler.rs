//! Reads a page of the caller's sessions.

use axum::extract::State;
use recon_contract::{List, Page, Session, SessionListQuery};
use recon_domain::SessionId;
use recon_runtime::{Answer, CallerSession, Params, Refusal, Reply, wire};
use recon_session::{SessionRecord, SessionSeek};
use uuid::Uuid;

use crate::Deps;

pub(crate) async fn list(
    State(deps): State<Deps>,
    CallerSession(own): CallerSession,
    Params(query): Params<SessionListQuery>,
) -> Answer<Page<Session>> {
    let profile = deps.users.profile(own.workspace, own.user).await?;
    let profile = profile.ok_or_else(|| Refusal::not_found("user", own.user))?;
    let user = wire::user(&profile.user, profile.workspace_name);

    let before = query.page.after.map(|position| SessionId::from_uuid(Uuid::from_u128(position)));
    let seek = SessionSeek { before, limit: query.page.limit.into() };
    let found = deps.sessions.list(own.tag, seek, deps.clock.now()).await?;
    let placed = |record: SessionRecord| (record.id.uuid().as_u128(), wire::session(&record, user.clone()));
    Ok(Reply::ok(&Page::cut(List::Sessions, found.items.into_iter().map(placed), found.more)))
}
