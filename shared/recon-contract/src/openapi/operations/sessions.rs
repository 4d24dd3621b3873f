//! Signing in and out.

use serde_json::{Value, json};

use super::sample;
use crate::openapi::operation::Operation;
use crate::openapi::parameters::Header;
use crate::openapi::requests;
use crate::page::List;
use crate::problem::Code;
use crate::route;
use crate::session::{NewSession, Session, SessionOpened};

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![
        Operation::new(
            "session_open",
            route::SESSION_OPEN,
            "Sign in",
            "The token is shown here and never again. An email that nobody has is answered in the same words and the \
             same time as a wrong password. It takes no key: a token is not kept for a replay.",
        )
        .takes::<NewSession>(
            "NewSession",
            requests::new_session,
            json!({ "email": "ada@example.com", "password": "correct horse battery staple" }),
        )
        .answers::<SessionOpened>(201, "Signed in.", opened())
        .with(Header::SetCookie)
        .refuses(&[Code::InvalidCredentials]),
        Operation::new(
            "session_list",
            route::SESSION_LIST,
            "List your sessions",
            "Where you are signed in, the newest first.",
        )
        .lists::<Session>(&[List::Sessions], "A page of your sessions.", session())
        .refuses(&[Code::NotFound]),
        Operation::new(
            "session_get",
            route::SESSION_GET,
            "Show your session",
            "The session that the request was sent with, and who you are.",
        )
        .answers::<Session>(200, "Your session.", session())
        .refuses(&[Code::NotFound]),
    ];
    all.extend(ending());
    all
}

fn ending() -> [Operation; 3] {
    [
        Operation::new(
            "session_close",
            route::SESSION_CLOSE,
            "Sign out",
            "Ends the session that the request was sent with, and takes its cookie back.",
        )
        .answers_empty(204, "Signed out.")
        .with(Header::SetCookie),
        Operation::new(
            "session_revoke",
            route::SESSION_REVOKE,
            "End one of your sessions",
            "From then on its token is worth nothing.",
        )
        .answers_empty(204, "Ended.")
        .with(Header::SetCookie),
        Operation::new(
            "session_revoke_all",
            route::SESSION_REVOKE_ALL,
            "End all of your sessions",
            "This one too: sign in again.",
        )
        .answers_empty(204, "Ended.")
        .with(Header::SetCookie),
    ]
}

fn user() -> Value {
    json!({
        "id": "0197a0ff-1d20-7a55-9e01-b6f0c3d4e501",
        "email": "ada@example.com",
        "role": "preparer",
        "workspace": { "id": "0197a0fe-0a10-7d1c-8b7e-40a1b2c3d401", "name": "Treasury" },
    })
}

fn opened() -> Value {
    json!({ "token": "Zk3vYw0J4x.c2VjcmV0", "expires_at": "2026-03-02T21:15:04Z", "user": user() })
}

fn session() -> Value {
    json!({
        "id": "0197a1c1-4f00-7e21-8a9b-5c6d7e8f9a01",
        "user": user(),
        "created_at": sample::ASKED_AT,
        "last_seen_at": "2026-03-02T10:02:11Z",
        "expires_at": "2026-03-02T21:15:04Z",
    })
}
