//! What stands between a client and a store: which record a request has, and what is replayed of an answer.

use std::sync::Arc;

use futures_util::FutureExt;
use recon_idempotency::{
    Claimed, Completion, Fingerprint, Held, IdempotencyKey, RETENTION_DEFAULT, Request, Scope,
    StoredResponse, Unanswered,
};
use rstest_reuse::apply;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use super::faulty::{self, Fault};
use super::{Found, red, same};
use crate::every_store;
use crate::sample::{LEASE, REQUEST, answer, key, running, scope, unanswered};
use crate::world::{Kind, World};

/// Runs a request to its end.
async fn answered(world: &World, request: &Unanswered) -> Found {
    let claim = running(world.store.claim(request, LEASE).await.unwrap());
    let completed = world.complete(&claim, &answer("done")).await;
    same("completed", &matches!(completed, Completion::Stored { .. }), &true)
}

/// Whether a request hits an answer.
async fn hits(world: &World, request: &Unanswered) -> bool {
    matches!(world.store.look_up(request).await.unwrap(), Some(Held::Replay { .. }))
}

async fn fault_11(world: &World) -> Found {
    answered(world, &unanswered(&REQUEST)).await?;
    same("a retry hits", &hits(world, &unanswered(&REQUEST)).await, &true)?;
    let quoted = Unanswered { key: IdempotencyKey::parse(b"\"key-1\"").unwrap(), ..unanswered(&REQUEST) };
    same("a retry in the other spelling hits", &hits(world, &quoted).await, &true)?;
    same("the owner finds it", &world.find().await.is_some(), &true)
}

#[apply(every_store)]
async fn fault_11_writing_and_reading_find_the_same_key(#[case] kind: Kind) {
    fault_11(&World::open(kind).await).await.unwrap();
}

#[tokio::test]
async fn fault_11_is_found_in_a_store_that_reads_elsewhere() {
    red(fault_11(&faulty::world(Fault::ReadsElsewhere).await).await, "a retry hits");
}

type Headers = Vec<(String, String)>;

/// Answers with these headers, and gives those that a retry gets.
async fn fault_12(world: &World, replay: impl Fn(&[(&str, &str)], &StoredResponse) -> Headers) -> Found {
    let sent =
        [("Location", "/v1/things/1"), ("Set-Cookie", "session=secret"), ("X-Secret", "s"), ("Date", "now")];
    let claim = running(world.claim(&REQUEST).await);
    let response = StoredResponse::new(201, sent, Vec::new());
    let completed = world.complete(&claim, &response).await;
    same("completed", &matches!(completed, Completion::Stored { .. }), &true)?;
    let Some(Held::Replay { response, .. }) = world.look_up(&REQUEST).await else {
        return Err("no hit".into());
    };
    let names: Vec<_> =
        replay(&sent, &response).into_iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    same("replayed", &names, &vec!["location".to_owned()])
}

#[apply(every_store)]
async fn fault_12_no_cookie_is_kept_or_replayed(#[case] kind: Kind) {
    let world = World::open(kind).await;
    fault_12(&world, |_, kept| kept.headers().to_vec()).await.unwrap();
    if let crate::world::Backend::Database(database) = &world.backend {
        let kept = "select count(*) from idempotency_keys where lower(headers) like '%secret%'";
        assert_eq!(database.number(kept).await, 0);
    }
}

#[tokio::test]
async fn fault_12_is_found_in_a_layer_that_keeps_all_headers() {
    let own = |sent: &[(&str, &str)], _: &StoredResponse| {
        sent.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    red(fault_12(&World::open(Kind::Memory).await, own).await, "replayed");
}

async fn fault_13(world: &World, identify: fn(&Request<'_>) -> Fingerprint) -> Found {
    let as_seen =
        |request: &Request<'_>| Unanswered { fingerprint: identify(request), ..unanswered(request) };
    let first = Request { query: "a=1&b=2", headers: &[("Host", b"one.example")], ..REQUEST };
    answered(world, &as_seen(&first)).await?;
    let order = Request { query: "b=2&a=1", ..first };
    same("another order of the query hits", &hits(world, &as_seen(&order)).await, &true)?;
    let host = Request { headers: &[("Host", b"two.example")], ..first };
    same("another host hits", &hits(world, &as_seen(&host)).await, &true)?;
    let body = Request { body: br#"{ "size": 1, "name": "one" }"#, ..first };
    same("another order of the body hits", &hits(world, &as_seen(&body)).await, &true)?;
    let value = Request { query: "a=1&b=3", ..first };
    same("another query hits", &hits(world, &as_seen(&value)).await, &false)
}

#[apply(every_store)]
async fn fault_13_a_retry_through_another_host_with_another_order_replays(#[case] kind: Kind) {
    fault_13(&World::open(kind).await, Fingerprint::of).await.unwrap();
}

#[tokio::test]
async fn fault_13_is_found_in_a_layer_that_takes_what_varies() {
    let query = |request: &Request<'_>| {
        Fingerprint::of(&Request {
            path: &format!("{}?{}", request.path, request.query),
            query: "",
            ..*request
        })
    };
    red(fault_13(&World::open(Kind::Memory).await, query).await, "another order of the query hits");
    let host = |request: &Request<'_>| {
        let host = String::from_utf8_lossy(request.headers.first().map_or(b"", |(_, value)| value));
        Fingerprint::of(&Request { path: &format!("{host}{}", request.path), ..*request })
    };
    red(fault_13(&World::open(Kind::Memory).await, host).await, "another host hits");
    let nothing = |request: &Request<'_>| Fingerprint::of(&Request { query: "", ..*request });
    red(fault_13(&World::open(Kind::Memory).await, nothing).await, "another query hits");
}

async fn fault_14(world: &World, own: fn(Scope, &str) -> (Scope, String)) -> Found {
    let of = |workspace, principal| Scope {
        workspace: Uuid::from_u128(workspace),
        principal: Uuid::from_u128(principal),
    };
    for (scope, text) in [
        (of(1, 23), "4"),
        (of(12, 3), "4"),
        (of(1, 2), "34"),
        (of(1, 234), ":"),
        (of(1, 2), "a:b"),
        (of(1, 2), "a"),
        (of(1, 2), ":b"),
        (of(1, 2), "ab"),
        (of(2, 1), "ab"),
    ] {
        let (scope, text) = own(scope, text);
        let key = IdempotencyKey::parse(text.as_bytes()).unwrap();
        let request = Unanswered::new(scope, key, &REQUEST, RETENTION_DEFAULT);
        same("a key of its own", &world.store.look_up(&request).await.unwrap(), &None)?;
        answered(world, &request).await?;
    }
    Ok(())
}

#[apply(every_store)]
async fn fault_14_keys_that_join_to_the_same_text_stay_apart(#[case] kind: Kind) {
    fault_14(&World::open(kind).await, |scope, text| (scope, text.to_owned())).await.unwrap();
}

#[tokio::test]
async fn fault_14_is_found_in_a_layer_that_joins_without_lengths() {
    let joined = |of: Scope, text: &str| {
        (scope(), format!("{}{}{text}", of.workspace.as_u128(), of.principal.as_u128()))
    };
    red(fault_14(&World::open(Kind::Memory).await, joined).await, "a key of its own");
}

/// Where a handler runs.
#[derive(Clone, Copy)]
enum Runs {
    /// On a task of its own.
    Detached,
    /// In the future of its connection, which is dropped when the client goes away.
    WithTheClient,
}

async fn fault_15(world: &World, runs: Runs) -> Found {
    let (inside, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    // Closed when the handler is gone, in whatever way.
    let (alive, mut gone) = mpsc::channel::<()>(1);
    let handler = {
        let (store, inside, go_on) = (Arc::clone(&world.store), Arc::clone(&inside), Arc::clone(&go_on));
        async move {
            let _alive = alive;
            let claim = running(store.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
            inside.notify_one();
            go_on.notified().await;
            _ = store.complete(&claim, &answer("done")).await.unwrap();
        }
    };
    let client = tokio::spawn(async move {
        match runs {
            Runs::Detached => tokio::spawn(handler).await.unwrap(),
            Runs::WithTheClient => handler.await,
        }
    });
    inside.notified().await;
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    go_on.notify_one();
    assert_eq!(gone.recv().await, None);
    same("a retry after a disconnect hits", &hits(world, &unanswered(&REQUEST)).await, &true)
}

#[apply(every_store)]
async fn fault_15_a_client_that_goes_away_leaves_no_lease_held(#[case] kind: Kind) {
    fault_15(&World::open(kind).await, Runs::Detached).await.unwrap();
}

#[tokio::test]
async fn fault_15_is_found_in_a_handler_that_goes_with_its_client() {
    let found = fault_15(&World::open(Kind::Memory).await, Runs::WithTheClient).await;
    red(found, "a retry after a disconnect hits");
}

/// A verb whose caller goes away at any of its steps is whole or not there, and no later one is lost with it.
#[apply(every_store)]
async fn fault_15_a_verb_that_nobody_waits_for_is_whole(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let with = |number: u32| Unanswered {
        key: IdempotencyKey::parse(format!("{}-{number}", key()).as_bytes()).unwrap(),
        ..unanswered(&REQUEST)
    };
    for polls in 0..40 {
        let request = with(polls);
        let mut verb = world.store.claim(&request, LEASE);
        for _ in 0..polls {
            if (&mut verb).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(verb);
        let next = with(1_000 + polls);
        answered(&world, &next).await.unwrap();
        assert!(hits(&world, &next).await);
    }
    for polls in 0..40 {
        // Whichever it is, a retry is told, or runs.
        match world.store.claim(&with(polls), LEASE).await.unwrap() {
            Claimed::Held(held) => assert!(matches!(held, Held::InFlight { .. }), "{held:?}"),
            Claimed::Run(claim) => {
                let completed = world.complete(&claim, &answer("done")).await;
                assert!(matches!(completed, Completion::Stored { .. }), "{completed:?}");
            }
        }
        assert!(world.store.find(&scope(), &with(1_000 + polls).key).await.unwrap().is_some());
    }
}
