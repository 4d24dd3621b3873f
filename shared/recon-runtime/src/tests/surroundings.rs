//! What `app` puts around every router.

use axum::Router;
use axum::body::Body;
use http::StatusCode;
use recon_contract::route;

use super::world::{Answered, World, request};
use crate::{Answer, Mount as _, REQUEST_TIME, Reply};

async fn fine() -> Answer<u32> {
    Ok(Reply::ok(&7))
}

async fn panics() -> Answer<u32> {
    panic!("a bug in a handler")
}

/// `/health` works, `/ready` panics.
fn router() -> Router {
    route::HEALTH.mount(fine).merge(route::READY.mount(panics))
}

async fn get(path: &str) -> Answered {
    World::empty().send(router(), request("GET", path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_path_that_is_none_is_a_problem() {
    get("/v1/nothing").await.is_problem(404, "not_found");
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let merged = router().merge(route::SESSION_OPEN.mount(fine));
    for (method, path, allow) in [("DELETE", "/health", "GET,HEAD"), ("GET", "/v1/sessions", "POST")] {
        let sent = request(method, path).body(Body::empty()).unwrap();
        let answered = World::empty().send(merged.clone(), sent).await;
        answered.is_problem(405, "method_not_allowed");
        assert_eq!(answered.header("allow"), allow);
    }
}

#[tokio::test]
async fn a_request_id_is_echoed_when_it_is_one_and_made_when_it_is_not() {
    let made = "00000000-0000-7000-8000-000000000001";
    let long = "x".repeat(129);
    for (given, expected) in
        [("order-7:a/b~c+d=._", None), ("two words", Some(made)), ("", Some(made)), (&long, Some(made))]
    {
        let sent = request("GET", "/health").header("x-request-id", given).body(Body::empty()).unwrap();
        let answered = World::empty().send(router(), sent).await;
        assert_eq!((answered.status, answered.header("x-request-id")), (200, expected.unwrap_or(given)));
    }
    let two = request("GET", "/health").header("x-request-id", "a").header("x-request-id", "b");
    let answered = World::empty().send(router(), two.body(Body::empty()).unwrap()).await;
    assert_eq!(answered.header("x-request-id"), made);
}

#[tokio::test]
async fn a_panic_ends_its_request_and_nothing_else() {
    let world = World::empty();
    for (path, status) in [("/ready", 500), ("/health", 200)] {
        let sent = request("GET", path).body(Body::empty()).unwrap();
        let answered = world.send(router(), sent).await;
        assert_eq!(answered.status, status, "{path}");
        if status == 500 {
            answered.is_problem(500, "internal");
            assert!(!answered.body.to_string().contains("bug"), "{}", answered.body);
        }
    }
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    for path in ["/health", "/ready", "/nothing"] {
        let answered = get(path).await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answered.header(name), value, "{path}");
        }
        assert!(answered.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
    }
}

#[tokio::test]
async fn a_path_that_could_mean_two_things_reaches_no_handler() {
    for path in ["/v1/../health", "/%2e%2e/health", "/health%2f", "/%zz"] {
        get(path).await.is_problem(400, "invalid_parameter");
    }
}

#[tokio::test]
async fn a_malformed_host_is_refused() {
    for host in ["a b", "me@host", "host/path", ""] {
        let sent = request("GET", "/health").header("host", host).body(Body::empty()).unwrap();
        World::empty().send(router(), sent).await.is_problem(400, "invalid_parameter");
    }
    let sent = request("GET", "/health").header("host", "[::1]:8080").body(Body::empty()).unwrap();
    assert_eq!(World::empty().send(router(), sent).await.status, 200);
}

#[tokio::test]
async fn a_refusal_of_the_framework_becomes_a_problem() {
    for (status, code) in [
        (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
        (StatusCode::IM_A_TEAPOT, "invalid_parameter"),
        (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        (StatusCode::BAD_GATEWAY, "internal"),
    ] {
        let router = route::HEALTH.mount(move || async move { (status, "words of the framework") });
        let answered =
            World::empty().send(router, request("GET", "/health").body(Body::empty()).unwrap()).await;
        assert_eq!(answered.body["code"], code);
        assert_eq!(answered.header("content-type"), "application/problem+json");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_told_to_come_again() {
    let stuck = route::HEALTH.mount(std::future::pending::<Answer<u32>>);
    let started = tokio::time::Instant::now();
    let answered = World::empty().send(stuck, request("GET", "/health").body(Body::empty()).unwrap()).await;
    answered.is_problem(503, "timed_out");
    assert_eq!(answered.header("retry-after"), "1");
    assert_eq!(started.elapsed().as_secs(), REQUEST_TIME.as_secs());
}
