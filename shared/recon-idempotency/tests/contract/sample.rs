//! Requests, answers, and what to expect of them.

use std::time::Duration;

use recon_idempotency::{
    Claim, Claimed, Guard, Held, IdempotencyKey, RETENTION_DEFAULT, Request, Scope, StoredResponse,
    Unanswered,
};
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_secs(60);
pub(crate) const REQUEST: Request<'static> = Request {
    method: "POST",
    path: "/v1/things",
    query: "",
    media_type: "application/json",
    headers: &[],
    body: br#"{"name":"one","size":1}"#,
};
pub(crate) const OTHER: Request<'static> = Request { body: br#"{"name":"two","size":1}"#, ..REQUEST };

/// What the work gives: the row that it inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thing {
    pub(crate) row: i64,
}

pub(crate) fn scope() -> Scope {
    Scope { workspace: Uuid::from_u128(1), principal: Uuid::from_u128(2) }
}

pub(crate) fn key() -> IdempotencyKey {
    IdempotencyKey::parse(b"key-1").unwrap()
}

pub(crate) fn unanswered(request: &Request<'_>) -> Unanswered {
    Unanswered::new(scope(), key(), request, RETENTION_DEFAULT)
}

pub(crate) fn with_key(text: &[u8]) -> Unanswered {
    Unanswered { key: IdempotencyKey::parse(text).unwrap(), ..unanswered(&REQUEST) }
}

pub(crate) fn created(thing: &Thing) -> StoredResponse {
    let headers = [
        ("Location", format!("/v1/things/{}", thing.row)),
        ("Set-Cookie", "session=secret".to_owned()),
        ("Content-Type", "application/json".to_owned()),
    ];
    StoredResponse::new(201, headers, format!("{{\"row\":{}}}", thing.row).into_bytes())
}

pub(crate) fn guard(request: &Request<'_>) -> Guard<Thing> {
    unanswered(request).answering(created)
}

pub(crate) fn running(claimed: Claimed) -> Claim {
    match claimed {
        Claimed::Run(claim) => claim,
        Claimed::Held(held) => panic!("held: {held:?}"),
    }
}

pub(crate) fn held(claimed: Claimed) -> Held {
    match claimed {
        Claimed::Held(held) => held,
        Claimed::Run(claim) => panic!("runs: {claim:?}"),
    }
}

pub(crate) fn in_flight(seconds: u64) -> Held {
    Held::InFlight { retry_after: Duration::from_secs(seconds) }
}

pub(crate) fn answer(text: &str) -> StoredResponse {
    StoredResponse::new(200, [("etag", "\"1\"")], text.as_bytes().to_vec())
}
