//! Requests of axum: keys, outcomes as answers, work under a claim.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use recon_idempotency::axum::Keyed;
use recon_idempotency::memory::Store;
use recon_idempotency::work::{self, Failed, WorkError};
use recon_idempotency::{ClaimStore, Scope, StoredResponse};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;
use uuid::Uuid;

const SCOPE: Scope = Scope { workspace: Uuid::from_u128(1), principal: Uuid::from_u128(2) };
const LEASE: Duration = Duration::from_secs(60);

/// A service whose work waits until it may go on, and counts.
#[derive(Clone)]
struct Service {
    store: Arc<dyn ClaimStore>,
    effects: Arc<AtomicU32>,
    begun: Arc<Notify>,
    go_on: Arc<Notify>,
}

async fn handle(State(service): State<Service>, keyed: Keyed) -> Response {
    let Service { store, effects, begun, go_on } = service;
    let body = keyed.body.clone();
    let outcome = work::run(store, keyed.request, LEASE, move |seed| async move {
        begun.notify_one();
        go_on.notified().await;
        if body.as_ref() == b"refused" {
            return Err(Failed::NoEffect("refused"));
        }
        effects.fetch_add(1, Ordering::SeqCst);
        let headers = [("location", format!("/things/{}", seed.derived_id("thing")))];
        Ok(StoredResponse::new(201, headers, body.to_vec()))
    });
    match outcome.await {
        Ok(outcome) => outcome.into_response(),
        Err(WorkError::Store(error)) => error.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

fn service() -> (Router, Service) {
    let now = || recon_idempotency::StoreTime::from_micros(1_700_000_000_000_000);
    let service = Service {
        store: Arc::new(Store::new(now)),
        effects: Arc::default(),
        begun: Arc::new(Notify::new()),
        go_on: Arc::new(Notify::new()),
    };
    (Router::new().route("/things", post(handle)).with_state(service.clone()), service)
}

fn asked(key: Option<&str>, body: &str) -> Request<Body> {
    let mut request = Request::post("/things");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    request.extension(SCOPE).body(Body::from(body.to_owned())).unwrap()
}

/// Somebody else has had the key for long enough to be noticed.
async fn is_waiting<T>(asked: &JoinHandle<T>) {
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!asked.is_finished());
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn what_has_no_usable_key_or_no_caller_is_refused_with_words() {
    let (router, service) = service();
    let ask = async |request: Request<Body>| {
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let status = response.status().as_u16();
        let problem: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
        (status, problem["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(ask(asked(None, "a")).await, (400, "idempotency_key_missing".to_owned()));
    assert_eq!(ask(asked(Some("two words"), "a")).await, (400, "idempotency_key_invalid".to_owned()));
    let mut twice = asked(Some("a"), "a");
    twice.headers_mut().append("idempotency-key", "b".parse().unwrap());
    assert_eq!(ask(twice).await, (400, "idempotency_key_invalid".to_owned()));
    let mut nobodys = asked(Some("a"), "a");
    nobodys.extensions_mut().clear();
    assert_eq!(ask(nobodys).await, (401, "unauthenticated".to_owned()));
    assert_eq!(service.effects.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_repeated_request_is_replayed_and_another_one_with_its_key_is_refused() {
    let (router, service) = service();
    service.go_on.notify_one();
    let first = router.clone().oneshot(asked(Some("k"), "a")).await.unwrap();
    assert_eq!((first.status(), first.headers().get("idempotency-replayed")), (StatusCode::CREATED, None));
    let place = first.headers()["location"].clone();
    let again = router.clone().oneshot(asked(Some("\"k\""), "a")).await.unwrap();
    assert_eq!((again.status(), &again.headers()["location"]), (StatusCode::CREATED, &place));
    for name in ["idempotency-replayed", "idempotent-replayed"] {
        assert_eq!(again.headers()[name], "true");
    }
    assert_eq!(again.headers()["idempotency-expires"], "2023-11-15T22:13:20Z");
    assert_eq!(text(again).await, text(first).await);
    let other = router.clone().oneshot(asked(Some("k"), "b")).await.unwrap();
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(other).await.contains("idempotency_key_reused"));
    assert_eq!(service.effects.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_in_progress_is_said_so_or_waited_for() {
    let (router, service) = service();
    let first = tokio::spawn(router.clone().oneshot(asked(Some("k"), "a")));
    let same = || asked(Some("k"), "a");
    service.begun.notified().await;
    let busy = router.clone().oneshot(same()).await.unwrap();
    assert_eq!(busy.status(), StatusCode::CONFLICT);
    assert!(busy.headers().contains_key("retry-after"));
    assert!(text(busy).await.contains("idempotency_key_in_progress"));
    let mut waiting = same();
    waiting.headers_mut().insert("prefer", "respond-async, wait=10".parse().unwrap());
    let waiting = tokio::spawn(router.clone().oneshot(waiting));
    is_waiting(&waiting).await;
    service.go_on.notify_one();
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::CREATED);
    let waited = waiting.await.unwrap().unwrap();
    assert_eq!(
        (waited.status(), &waited.headers()["idempotency-replayed"]),
        (StatusCode::CREATED, &"true".parse().unwrap())
    );
    assert_eq!(service.effects.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn fault_15_a_client_that_goes_away_does_not_cut_its_work_off() {
    let (router, service) = service();
    let gone = tokio::spawn(router.clone().oneshot(asked(Some("k"), "a")));
    service.begun.notified().await;
    gone.abort();
    service.go_on.notify_one();
    let mut waiting = asked(Some("k"), "a");
    waiting.headers_mut().insert("prefer", "wait=10".parse().unwrap());
    let replayed = router.clone().oneshot(waiting).await.unwrap();
    assert_eq!(replayed.status(), StatusCode::CREATED);
    assert!(replayed.headers().contains_key("idempotency-replayed"));
    assert_eq!(service.effects.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_waits_runs_when_the_one_before_had_no_effect() {
    let (router, service) = service();
    let first = tokio::spawn(router.clone().oneshot(asked(Some("k"), "refused")));
    service.begun.notified().await;
    let mut waiting = asked(Some("k"), "refused");
    waiting.headers_mut().insert("prefer", "wait=10".parse().unwrap());
    let waiting = tokio::spawn(router.clone().oneshot(waiting));
    is_waiting(&waiting).await;
    service.go_on.notify_one();
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::BAD_REQUEST);
    service.begun.notified().await;
    service.go_on.notify_one();
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn work_without_an_effect_gives_its_key_back() {
    let (router, service) = service();
    for _ in 0..2 {
        service.go_on.notify_one();
        let refused = router.clone().oneshot(asked(Some("k"), "refused")).await.unwrap();
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        assert!(text(refused).await.contains("refused"));
    }
    // Free for any request.
    service.go_on.notify_one();
    let made = router.clone().oneshot(asked(Some("k"), "a")).await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
}
