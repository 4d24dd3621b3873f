//! Servers that are not there, do not answer, or have no room, and answers that are lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use recon_idempotency::{ClaimStore, Completion, Error, Held, Release, dynamodb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::proxy::{Fault, Proxy, refused};
use super::{Keys, client};
use crate::sample::{LEASE, OTHER, REQUEST, answer, held, in_flight, running, unanswered};

/// Ten times the limit of a request, for a slow machine.
const QUICKLY: Duration = Duration::from_secs(30);

async fn unavailable(endpoint: &str) -> String {
    let store = dynamodb::Store::new(client(endpoint), "keys").response_within(Duration::from_secs(1));
    let begun = Instant::now();
    let failed = store.claim(&unanswered(&REQUEST), LEASE).await.unwrap_err();
    assert!(begun.elapsed() < QUICKLY);
    let Error::Unavailable { source } = failed else { panic!("{failed:?}") };
    format!("{source:?}")
}

#[tokio::test]
async fn dynamodb_that_is_not_there_or_does_not_answer_or_throttles_runs_nothing() {
    unavailable("http://127.0.0.1:1").await;

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    unavailable(&format!("http://{}", silent.local_addr().unwrap())).await;

    let full = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", full.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let throttles = tokio::spawn(async move {
        loop {
            let (mut connection, _) = full.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            _ = connection.read(&mut [0; 8192]).await;
            let body =
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}"#;
            let head = format!(
                "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            _ = connection.write_all((head + body).as_bytes()).await;
        }
    });
    assert!(unavailable(&endpoint).await.contains("ThrottlingException"));
    assert!((1..=3).contains(&asked.load(Ordering::SeqCst)), "asked {asked:?} times");
    throttles.abort();
}

#[tokio::test]
async fn dynamodb_write_that_is_sent_again_because_its_answer_was_lost_counts_once() {
    let keys = Keys::open().await;
    let store = async |target| {
        let client = Proxy::new(target, Fault::Lost, 1).client().await;
        Keys { client, ..keys.clone() }.store()
    };
    let claims = store("PutItem").await;
    let claim = running(claims.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    assert_eq!(claim.fence(), 1);

    let completes = store("UpdateItem").await;
    let stored = completes.complete(&claim, &answer("done")).await.unwrap();
    let Completion::Stored { expires_at } = stored else { panic!("{stored:?}") };
    let replay = Held::Replay { response: answer("done"), expires_at };
    assert_eq!(held(claims.claim(&unanswered(&REQUEST), LEASE).await.unwrap()), replay);
    // What is completed once more by its holder is not taken for that.
    assert_eq!(claims.complete(&claim, &answer("done")).await.unwrap(), Completion::Lost(Some(replay)));
}

#[tokio::test]
async fn dynamodb_release_that_is_sent_again_because_its_answer_was_lost_is_no_loss() {
    for claimed_meanwhile in [false, true] {
        let keys = Keys::open().await;
        let proxy = Proxy::new("DeleteItem", Fault::Lost, 1);
        let store = Keys { client: proxy.client().await, ..keys.clone() }.store();
        let claim = running(store.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
        assert_eq!(store.release(&claim).await.unwrap(), Release::Released);
        assert_eq!((proxy.asked(), keys.items().await.len()), (2, 0));
        if claimed_meanwhile {
            running(keys.store().claim(&unanswered(&OTHER), LEASE).await.unwrap());
        }
        // What is released once more by its holder is not taken for that.
        assert_eq!(store.release(&claim).await.unwrap(), Release::Lost);
    }
}

/// A verb whose request meets this fault whenever it is sent.
async fn fails_soon(target: &str, fault: Fault) {
    let keys = Keys::open().await;
    let claim = running(keys.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    let proxy = Proxy::new(target, fault, usize::MAX);
    let through = Keys { client: proxy.client().await, ..keys };
    let store = through.store().response_within(Duration::from_secs(3));
    store.check().await.unwrap();
    let begun = Instant::now();
    let failed = match target {
        "PutItem" => store.claim(&unanswered(&REQUEST), LEASE).await.unwrap_err(),
        "GetItem" => store.look_up(&unanswered(&REQUEST)).await.unwrap_err(),
        "UpdateItem" => store.complete(&claim, &answer("done")).await.unwrap_err(),
        _ => store.release(&claim).await.unwrap_err(),
    };
    assert!(matches!(failed, Error::Unavailable { .. }), "{target}: {failed:?}");
    assert!(begun.elapsed() < QUICKLY);
    assert!((1..=3).contains(&proxy.asked()), "{target} was asked {} times", proxy.asked());
}

#[tokio::test]
async fn dynamodb_that_throttles_or_is_silent_once_the_store_is_open_is_unavailable_soon() {
    let throttles = ["ThrottlingException", "ProvisionedThroughputExceededException"].map(refused);
    for fault in throttles.into_iter().chain([Fault::Silent]) {
        let targets = ["PutItem", "GetItem", "UpdateItem", "DeleteItem"];
        join_all(targets.map(|target| fails_soon(target, fault.clone()))).await;
    }
}

#[tokio::test]
async fn dynamodb_record_that_transactions_keep_in_conflict_is_in_flight() {
    let conflict = || refused("TransactionConflictException");
    let keys = Keys::open().await;
    let through = async |target, times| {
        let proxy = Proxy::new(target, conflict(), times);
        let store = Keys { client: proxy.client().await, ..keys.clone() }.store();
        (proxy, store)
    };
    let (always, store) = through("PutItem", usize::MAX).await;
    assert_eq!(held(store.claim(&unanswered(&REQUEST), LEASE).await.unwrap()), in_flight(1));
    assert_eq!((always.asked(), keys.items().await.len()), (5, 0));
    let (once, store) = through("PutItem", 1).await;
    let claim = running(store.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    assert_eq!((once.asked(), claim.fence()), (2, 1));

    for target in ["UpdateItem", "DeleteItem"] {
        let (always, store) = through(target, usize::MAX).await;
        let failed = match target {
            "UpdateItem" => store.complete(&claim, &answer("done")).await.map(|_| ()),
            _ => store.release(&claim).await.map(|_| ()),
        };
        assert!(matches!(failed, Err(Error::InFlight { .. })), "{target}: {failed:?}");
        assert_eq!(always.asked(), 5);
    }
    let (once, store) = through("UpdateItem", 1).await;
    assert!(matches!(store.complete(&claim, &answer("done")).await, Ok(Completion::Stored { .. })));
    assert_eq!(once.asked(), 2);
}
