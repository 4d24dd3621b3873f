//! The caller's own sessions.

use recon_testkit::demo::Account;
use recon_testkit::{Call, Reply, World, demo};

use crate::support::Both;

#[tokio::test(flavor = "multi_thread")]
async fn the_current_session_is_shown_to_whoever_holds_its_token() {
    let both = Both::start().await.unwrap();
    let account = demo::add_user(&both.folder, "ann@example.com", "viewer", "one").unwrap();
    let mut shown = Vec::new();
    let token = demo::sign_in(&both.worlds[0].1, &account).await.unwrap();
    for (name, world) in &both.worlds {
        let get = Call::new("GET", "/v1/sessions/current");
        assert_eq!(world.call(&get).await.unwrap().status, 401, "{name}");
        let session = world.call(&get.bearer(&token)).await.unwrap().expect(200).unwrap();
        assert_eq!(session["user"]["email"], "ann@example.com", "{name}: {session}");
        assert_eq!(session["user"]["role"], "viewer", "{name}: {session}");
        assert_eq!(session["user"]["workspace"]["name"], "one", "{name}: {session}");
        let times = ["created_at", "last_seen_at", "expires_at"].map(|time| session[time].as_str().unwrap());
        assert!(times.is_sorted() && times[1] < times[2], "{name}: {session}");
        let secret = token.split_once('.').unwrap().1;
        assert!(!session.to_string().contains(secret), "{name}: {session}");
        shown.push(session);
    }
    assert!(shown.iter().all(|session| *session == shown[0]), "{shown:?}");
}

/// Signs in this often.
async fn sign_in<const N: usize>(world: &World, account: &Account) -> [String; N] {
    let mut tokens = [const { String::new() }; N];
    for token in &mut tokens {
        *token = demo::sign_in(world, account).await.unwrap();
    }
    tokens
}

async fn call(world: &World, method: &str, path: &str, token: &str) -> Reply {
    world.call(&Call::new(method, path).bearer(token)).await.unwrap()
}

async fn own_id(world: &World, token: &str) -> String {
    let session = call(world, "GET", "/v1/sessions/current", token).await.expect(200).unwrap();
    session["id"].as_str().unwrap().to_owned()
}

/// A session that is over is refused by every process, whichever ended it.
async fn assert_ended(both: &Both, token: &str) {
    for (name, world) in &both.worlds {
        for path in ["/v1/sessions/current", "/v1/sessions", "/v1/datasets"] {
            let problem = call(world, "GET", path, token).await.expect(401).unwrap();
            assert_eq!(problem["code"], "unauthenticated", "{name} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_the_callers_own_sessions_the_newest_first() {
    let both = Both::start().await.unwrap();
    let ann = demo::add_user(&both.folder, "ann@example.com", "viewer", "one").unwrap();
    let bob = demo::add_user(&both.folder, "bob@example.com", "admin", "one").unwrap();
    let first = &both.worlds[0].1;
    let tokens: [String; 3] = sign_in(first, &ann).await;
    let [of_bob] = sign_in(first, &bob).await;
    let mut newest_first = Vec::new();
    for token in tokens.iter().rev() {
        newest_first.push(own_id(first, token).await);
    }
    for (name, world) in &both.worlds {
        for limit in [2, 500] {
            let all = demo::all_items(world, &tokens[0], "/v1/sessions", limit).await.unwrap();
            let ids: Vec<_> = all.iter().map(|session| session["id"].as_str().unwrap()).collect();
            assert_eq!(ids, newest_first, "{name} {limit}");
            assert!(all.iter().all(|session| session["user"]["email"] == "ann@example.com"), "{name}");
            let text = serde_json::to_string(&all).unwrap();
            for token in &tokens {
                assert!(!text.contains(token.split_once('.').unwrap().1), "{name}: a secret is shown");
            }
        }
        let all = demo::all_items(world, &of_bob, "/v1/sessions", 50).await.unwrap();
        assert_eq!(all.len(), 1, "{name}: an admin's own session and nobody else's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_at_once_and_takes_the_cookie_back() {
    let both = Both::start().await.unwrap();
    let account = demo::add_user(&both.folder, "ann@example.com", "viewer", "one").unwrap();
    for (name, world) in &both.worlds {
        let [token, other] = sign_in(world, &account).await;
        let closed = call(world, "DELETE", "/v1/sessions/current", &token).await;
        let cookie = closed.header("set-cookie").unwrap_or_default().to_owned();
        assert!(cookie.contains("session=;") && cookie.contains("Max-Age=0"), "{name}: {cookie}");
        assert_eq!((closed.status, closed.body.len()), (204, 0), "{name}");
        assert_ended(&both, &token).await;
        call(world, "DELETE", "/v1/sessions/current", &token).await.expect(401).unwrap();
        own_id(world, &other).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_is_ended_by_its_id_by_its_own_user_only() {
    let both = Both::start().await.unwrap();
    let ann = demo::add_user(&both.folder, "ann@example.com", "viewer", "one").unwrap();
    let colleague = demo::add_user(&both.folder, "bob@example.com", "admin", "one").unwrap();
    let stranger = demo::add_user(&both.folder, "eve@example.com", "admin", "two").unwrap();
    for (name, world) in &both.worlds {
        let [own, lost] = sign_in(world, &ann).await;
        let path = format!("/v1/sessions/{}", own_id(world, &lost).await);
        for account in [&colleague, &stranger] {
            let [token] = sign_in(world, account).await;
            let problem = call(world, "DELETE", &path, &token).await.expect(404).unwrap();
            assert_eq!(problem["code"], "not_found", "{name}");
        }
        own_id(world, &lost).await;
        let revoked = call(world, "DELETE", &path, &own).await;
        assert_eq!((revoked.status, revoked.header("set-cookie")), (204, None), "{name}");
        assert_ended(&both, &lost).await;
        call(world, "DELETE", &path, &own).await.expect(404).unwrap();
        let problem = call(world, "DELETE", "/v1/sessions/me", &own).await.expect(400).unwrap();
        assert_eq!(problem["code"], "invalid_parameter", "{name}");

        let path = format!("/v1/sessions/{}", own_id(world, &own).await);
        let revoked = call(world, "DELETE", &path, &own).await;
        assert!(revoked.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")), "{name}");
        assert_ended(&both, &own).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sessions_of_the_caller_end_at_once_and_a_new_one_lives() {
    let both = Both::start().await.unwrap();
    let ann = demo::add_user(&both.folder, "ann@example.com", "viewer", "one").unwrap();
    let bob = demo::add_user(&both.folder, "bob@example.com", "viewer", "one").unwrap();
    let [of_bob] = sign_in(&both.worlds[0].1, &bob).await;
    for (name, world) in &both.worlds {
        let tokens: [String; 3] = sign_in(world, &ann).await;
        let revoked = call(world, "DELETE", "/v1/sessions", &tokens[1]).await;
        assert_eq!(revoked.status, 204, "{name}");
        assert!(revoked.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")), "{name}");
        for token in &tokens {
            assert_ended(&both, token).await;
        }
        call(world, "DELETE", "/v1/sessions", &tokens[1]).await.expect(401).unwrap();
        let [new] = sign_in(world, &ann).await;
        let alive = demo::all_items(world, &new, "/v1/sessions", 50).await.unwrap();
        assert_eq!(alive.len(), 1, "{name}: {alive:?}");
        call(world, "DELETE", "/v1/sessions/current", &new).await.expect(204).unwrap();
        own_id(world, &of_bob).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_cannot_sign_a_browser_out() {
    let both = Both::start().await.unwrap();
    let account = demo::add_user(&both.folder, "ann@example.com", "viewer", "one").unwrap();
    for ((name, world), cookie) in both.worlds.iter().zip(["session", "__Host-session", "__Host-session"]) {
        let [token] = sign_in(world, &account).await;
        let line = format!("{cookie}={token}");
        for path in ["/v1/sessions/current", "/v1/sessions"] {
            let forged = Call::new("DELETE", path).header("cookie", &line);
            let forged = forged.header("sec-fetch-site", "cross-site");
            let problem = world.call(&forged).await.unwrap().expect(403).unwrap();
            assert_eq!(problem["code"], "cross_origin", "{name} {path}");
        }
        let own = Call::new("DELETE", "/v1/sessions/current").header("cookie", &line);
        world.call(&own.header("sec-fetch-site", "same-origin")).await.unwrap().expect(204).unwrap();
        assert_ended(&both, &token).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_sessions_refuses_what_it_does_not_know() {
    let both = Both::start().await.unwrap();
    let account = demo::add_user(&both.folder, "ann@example.com", "viewer", "one").unwrap();
    let [token] = sign_in(&both.worlds[0].1, &account).await;
    for (name, world) in &both.worlds {
        for (query, code) in [
            ("limit=0", "invalid_parameter"),
            ("limit=501", "invalid_parameter"),
            ("user=bob", "invalid_parameter"),
            ("cursor=x", "invalid_cursor"),
        ] {
            let answer = call(world, "GET", &format!("/v1/sessions?{query}"), &token).await;
            assert_eq!(answer.expect(400).unwrap()["code"], code, "{name} {query}");
        }
    }
}
