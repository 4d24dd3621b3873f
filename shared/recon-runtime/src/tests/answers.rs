//! What handlers say.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::HeaderValue;
use recon_contract::route;
use recon_domain::{DatasetId, Side};
use recon_idempotency::{ClaimOutcome, StoreTime, StoredResponse};
use recon_store::{DatasetStatus, Error, ObjectError};
use serde_json::json;

use super::world::{Answered, World, request};
use crate::{Answer, Mount as _, Outcome, Refusal, Reply, because};

async fn answer<T: Send + 'static>(make: impl Fn() -> Answer<T> + Clone + Send + Sync + 'static) -> Answered {
    let router: Router = route::HEALTH.mount(move || {
        let made = make();
        async move { made }
    });
    World::empty().send(router, request("GET", "/health").body(Body::empty()).unwrap()).await
}

/// The answer that a guarded request stored: 202, a place, a cookie that must not be kept.
fn stored() -> StoredResponse {
    let cookie = Some(HeaderValue::from_static("session=secret"));
    Reply::accepted(&json!({"id": 7})).location("/v1/things/7").retry_after(1).cookie(cookie).into()
}

#[tokio::test]
async fn a_fresh_answer_is_the_stored_one() {
    let answered =
        answer(|| Reply::<u32>::claimed(ClaimOutcome::Fresh { value: (), response: stored() })).await;
    assert_eq!((answered.status, &answered.body), (202, &json!({"id": 7})));
    assert_eq!((answered.header("location"), answered.header("retry-after")), ("/v1/things/7", "1"));
    assert_eq!(answered.header("content-type"), "application/json");
    assert_eq!((answered.header("idempotency-replayed"), answered.header("set-cookie")), ("", ""));
}

#[tokio::test]
async fn a_replay_says_so_and_until_when() {
    let outcome = ClaimOutcome::<()>::Replay {
        response: stored(),
        expires_at: StoreTime::from_micros(1_772_445_600_000_000),
    };
    let answered = answer(move || Reply::<u32>::claimed(outcome.clone())).await;
    assert_eq!((answered.status, &answered.body), (202, &json!({"id": 7})));
    for (name, value) in [
        ("idempotency-replayed", "true"),
        ("idempotent-replayed", "true"),
        ("idempotency-expires", "2026-03-02T10:00:00Z"),
        ("location", "/v1/things/7"),
    ] {
        assert_eq!(answered.header(name), value);
    }
}

#[tokio::test]
async fn a_key_that_is_in_use_is_refused() {
    let outcome = ClaimOutcome::<()>::InFlight { retry_after: Duration::from_millis(1_001) };
    let answered = answer(move || Reply::<u32>::claimed(outcome.clone())).await;
    answered.is_problem(409, "idempotency_key_in_progress");
    assert_eq!(answered.header("retry-after"), "2");
    let answered = answer(|| Reply::<u32>::claimed(ClaimOutcome::<()>::Mismatch)).await;
    answered.is_problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn a_validator_is_quoted_and_lets_the_caller_keep_the_answer() {
    let answered = answer(|| Ok(Reply::ok(&1).etag("abc"))).await;
    assert_eq!((answered.header("etag"), answered.header("cache-control")), ("\"abc\"", "private, no-cache"));
    assert_eq!(answer(|| Ok(Reply::<u32>::not_modified().etag(3))).await.status, 304);
    let nothing = answer(|| Ok(Reply::<()>::no_content())).await;
    assert_eq!((nothing.status, nothing.header("content-type")), (204, ""));
}

#[tokio::test]
async fn only_a_dataset_that_is_being_read_is_worth_asking_for_again() {
    for (status, retry_after) in
        [(DatasetStatus::AwaitingUpload, ""), (DatasetStatus::Ingesting, "1"), (DatasetStatus::Rejected, "")]
    {
        let id = DatasetId::from_uuid(uuid::Uuid::nil());
        let refused = move || Error::DatasetNotReady { which: Side::Left, id, status };
        let answered = answer::<u32>(move || Err(refused().into())).await;
        answered.is_problem(409, "dataset_not_ready");
        assert_eq!(answered.header("retry-after"), retry_after, "{status}");
    }
}

#[tokio::test]
async fn errors_of_the_store_become_problems_and_keep_their_causes_to_themselves() {
    type Fails = fn() -> Outcome<()>;
    let cases: [(Fails, u16, &str); 5] = [
        (|| Err(Error::Unavailable { doing: "x", source: "secret".into() }.into()), 503, "unavailable"),
        (|| Err(Error::TooLarge { column: "secret" }.into()), 500, "internal"),
        (|| Err(ObjectError::NotFound { name: "secret".into() }.into()), 500, "internal"),
        (|| Err(ObjectError::TooLarge { bytes_max: 9 }.into()), 413, "payload_too_large"),
        (
            || {
                let source = Box::new(Refusal::not_found("thing", 7));
                Err(ObjectError::Interrupted { name: "secret".into(), source }.into())
            },
            404,
            "not_found",
        ),
    ];
    for (fails, status, code) in cases {
        let answered = answer::<u32>(move || Err(fails().unwrap_err())).await;
        answered.is_problem(status, code);
        assert!(!answered.body.to_string().contains("secret"), "{}", answered.body);
    }
}

#[test]
fn causes_are_told_from_the_nearest_to_the_first() {
    let first = std::io::Error::other("disk full");
    let store = Error::Unavailable { doing: "x", source: Box::new(first) };
    let refusal = Refusal::internal(store);
    assert_eq!(because(&refusal), "database unavailable: x: disk full");
    assert_eq!(because(&std::io::Error::other("disk full")), "");
}
