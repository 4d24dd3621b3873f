//! Checks a password and opens a session.

use axum::extract::State;
use recon_contract::{Code, NewSession, SessionOpened};
use recon_domain::SessionId;
use recon_runtime::{Answer, Payload, Refusal, Reply, wire};
use recon_session::password::Password;
use recon_session::{Attributes, Opened};
use recon_store::{Credentials, Email, UserRecord};

use crate::Deps;

pub(crate) async fn open(
    State(deps): State<Deps>,
    Payload(request): Payload<NewSession>,
) -> Answer<SessionOpened> {
    let known = known(&deps, &request).await?;
    let kept = known.as_ref().map(|known| known.password_hash.clone());
    let password = Password::new(request.password.expose().to_owned())?;
    let right = deps.passwords.are_right(password, kept).await?;
    let Some(Credentials { user, workspace_name, .. }) = known.filter(|known| right && !known.user.disabled)
    else {
        return Err(Refusal::new(Code::InvalidCredentials, "the email or the password is wrong"));
    };
    let Opened { token, record } = deps.sessions.create(session(&deps, &user)?, deps.clock.now()).await?;
    let opened = SessionOpened {
        token: token.expose(),
        expires_at: record.expires_at,
        user: wire::user(&user, workspace_name),
    };
    let cookie = deps.cookie.line(&opened.token, opened.expires_at);
    Ok(Reply::created(&opened).cookie(cookie))
}

/// The user of this email. A text that is no email is nobody's.
async fn known(deps: &Deps, request: &NewSession) -> Result<Option<Credentials>, Refusal> {
    match request.email.parse::<Email>() {
        Ok(email) => Ok(deps.users.by_email(&email).await?),
        Err(_) => Ok(None),
    }
}

fn session(deps: &Deps, user: &UserRecord) -> Result<recon_session::NewSession, Refusal> {
    Ok(recon_session::NewSession {
        id: SessionId::from_uuid(deps.ids.next()?),
        tag: user.session_tag,
        user: user.id,
        workspace: user.workspace,
        role: user.role,
        attributes: Attributes::default(),
    })
}
