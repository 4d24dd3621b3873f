//! Size, session, role: what is demanded before a handler runs.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use recon_contract::route;
use recon_domain::UserRole;

use super::world::{Answered, USER, WORKSPACE, World, request};
use crate::{Answer, Caller, Mount as _, Reply};

async fn who(caller: Caller) -> Answer<String> {
    assert_eq!((caller.user, caller.workspace), (USER, WORKSPACE));
    Ok(Reply::ok(&caller.role.to_string()))
}

/// A route for viewers, and one for preparers that writes.
fn router() -> Router {
    route::DATASET_GET.mount(who).merge(route::DATASET_CREATE.mount(who))
}

const READ: (&str, &str) = ("GET", "/v1/datasets/1");
const WRITE: (&str, &str) = ("POST", "/v1/datasets");

async fn send(world: &World, (method, path): (&str, &str), headers: &[(&str, &str)]) -> Answered {
    let request =
        headers.iter().fold(request(method, path), |request, (name, value)| request.header(*name, *value));
    world.send(router(), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn without_a_session_a_caller_is_asked_to_sign_in() {
    let world = World::new().await;
    let token = world.token(UserRole::Admin).await;
    let other = format!("{}.{}", &token[..16], "A".repeat(43));
    for line in ["", "Bearer", "Basic abc", "Bearer nonsense", "Bearer a.b", &format!("Bearer {other}")] {
        let headers = [("authorization", line)];
        let answered = send(&world, READ, if line.is_empty() { &[] } else { &headers }).await;
        answered.is_problem(401, "unauthenticated");
        assert_eq!(answered.header("www-authenticate"), "Bearer");
        assert!(!answered.body.to_string().contains(&other), "{}", answered.body);
    }
}

#[tokio::test]
async fn a_token_lets_its_owner_in_until_the_session_ends() {
    let world = World::new().await;
    let token = world.token(UserRole::Viewer).await;
    for line in [format!("Bearer {token}"), format!("bearer {token}")] {
        let answered = send(&world, READ, &[("authorization", &line)]).await;
        assert_eq!((answered.status, answered.body.as_str()), (200, Some("viewer")));
    }
    world.pass(Duration::from_mins(31));
    send(&world, READ, &[("authorization", &format!("Bearer {token}"))])
        .await
        .is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_session_in_use_stays_alive() {
    let world = World::new().await;
    let line = format!("Bearer {}", world.token(UserRole::Viewer).await);
    for _ in 0..4 {
        world.pass(Duration::from_mins(20));
        assert_eq!(send(&world, READ, &[("authorization", &line)]).await.status, 200);
    }
}

#[tokio::test]
async fn sessions_of_before_a_revocation_are_refused_whatever_their_store_says() {
    let world = World::new().await;
    let line = format!("Bearer {}", world.token(UserRole::Viewer).await);
    world.pass(Duration::from_secs(1));
    assert_eq!(send(&world, READ, &[("authorization", &line)]).await.status, 200);
    world.platform.store.users().revoke_sessions(WORKSPACE, USER).await.unwrap();
    send(&world, READ, &[("authorization", &line)]).await.is_problem(401, "unauthenticated");
    let later = format!("Bearer {}", world.token(UserRole::Viewer).await);
    assert_eq!(send(&world, READ, &[("authorization", &later)]).await.status, 200);
}

#[tokio::test]
async fn a_role_may_do_what_the_route_table_says() {
    let world = World::new().await;
    for (role, status) in [(UserRole::Viewer, 403), (UserRole::Preparer, 200), (UserRole::Admin, 200)] {
        let line = format!("Bearer {}", world.token(role).await);
        let answered = send(&world, WRITE, &[("authorization", &line)]).await;
        assert_eq!(answered.status, status, "{role}");
        if status == 403 {
            answered.is_problem(403, "forbidden");
        }
    }
}

#[tokio::test]
async fn a_cookie_reads_from_anywhere_and_writes_from_our_own_pages_only() {
    let world = World::new().await;
    let cookie = format!("theme=dark; session={}", world.token(UserRole::Preparer).await);
    let with = |headers: &[(&'static str, &'static str)]| {
        let mut all = vec![("cookie", cookie.as_str()), ("host", "127.0.0.1:8080")];
        all.extend(headers);
        all.into_iter().map(|(name, value)| (name, value.to_owned())).collect::<Vec<_>>()
    };
    for (call, headers, status) in [
        (READ, vec![], 200),
        (READ, vec![("origin", "https://evil.example")], 200),
        (WRITE, vec![], 403),
        (WRITE, vec![("origin", "https://evil.example")], 403),
        (WRITE, vec![("origin", "null")], 403),
        (WRITE, vec![("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8080")], 403),
        (WRITE, vec![("sec-fetch-site", "same-site")], 403),
        (WRITE, vec![("sec-fetch-site", "same-origin")], 200),
        (WRITE, vec![("origin", "http://127.0.0.1:8080")], 200),
    ] {
        let owned = with(&headers);
        let headers: Vec<(&str, &str)> = owned.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answered = send(&world, call, &headers).await;
        assert_eq!(answered.status, status, "{headers:?}");
        if status == 403 {
            answered.is_problem(403, "cross_origin");
        }
    }
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_before_anything_else() {
    let world = World::new().await;
    let sent = request("POST", "/v1/datasets").header("content-length", "65537").body(Body::empty()).unwrap();
    world.send(router(), sent).await.is_problem(413, "payload_too_large");
    let upload = route::DATASET_UPLOAD.mount(who);
    let sent = request("PUT", "/v1/datasets/1/content")
        .header("content-length", "1001")
        .body(Body::empty())
        .unwrap();
    world.send(upload, sent).await.is_problem(413, "payload_too_large");
}

#[tokio::test]
async fn without_a_store_nobody_is_let_in_and_all_are_told_to_come_again() {
    let world = World::empty();
    let line = format!("Bearer {}.{}", "0".repeat(16), "A".repeat(43));
    let answered = send(&world, READ, &[("authorization", &line)]).await;
    answered.is_problem(503, "unavailable");
    assert_eq!(answered.header("retry-after"), "2");
}

#[tokio::test]
async fn a_handler_that_asks_for_the_caller_of_a_public_route_is_a_defect_and_no_hole() {
    let world = World::new().await;
    let sent: Request<Body> = request("GET", "/health").body(Body::empty()).unwrap();
    world.send(route::HEALTH.mount(who), sent).await.is_problem(500, "internal");
}
