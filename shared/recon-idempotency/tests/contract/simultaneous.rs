//! Many requests with one key at the same time, over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use futures_util::future::join_all;
use recon_idempotency::axum::Keyed;
use recon_idempotency::work::{self, Failed, WorkError};
use recon_idempotency::{ClaimStore, StoredResponse};
use rstest_reuse::apply;

use crate::every_store;
use crate::sample::{LEASE, scope};
use crate::world::{Kind, World};

const REQUESTS: usize = 64;
/// How long the work takes, so that requests come while it runs.
const WORK: Duration = Duration::from_millis(200);

type Service = (Arc<dyn ClaimStore>, Arc<AtomicU32>);

async fn create(State((store, effects)): State<Service>, keyed: Keyed) -> Response {
    let outcome = work::run(store.clone(), keyed.request, LEASE, move |seed| async move {
        tokio::time::sleep(WORK).await;
        let effect = effects.fetch_add(1, Ordering::SeqCst);
        let headers = [("location", format!("/things/{}", seed.derived_id("thing")))];
        Ok::<_, Failed<String>>(StoredResponse::new(201, headers, format!("effect {effect}").into_bytes()))
    });
    match outcome.await {
        Ok(outcome) => outcome.into_response(),
        Err(WorkError::Store(error)) => error.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

/// What a client got in the end.
#[derive(Debug, PartialEq, Eq)]
struct Got {
    status: u16,
    location: Option<String>,
    body: String,
}

/// Asks until it is answered, some by waiting and some by asking again; and says whether the answer was a replay.
async fn ask(client: reqwest::Client, url: String, waits: bool) -> (Got, bool) {
    loop {
        let request = client.post(&url).header("idempotency-key", "one").body("{}");
        let request = if waits { request.header("prefer", "wait=20") } else { request };
        let reply = request.send().await.unwrap();
        let text = |name| reply.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (location, is_replay) = (text("location"), text("idempotency-replayed").is_some());
        if reply.status() == StatusCode::CONFLICT {
            assert!(text("retry-after").is_some());
            assert!(reply.text().await.unwrap().contains("idempotency_key_in_progress"));
            tokio::time::sleep(WORK).await;
            continue;
        }
        let got = Got { status: reply.status().as_u16(), location, body: reply.text().await.unwrap() };
        return (got, is_replay);
    }
}

#[apply(every_store)]
async fn one_request_has_the_effect_and_all_get_its_answer(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let effects = Arc::new(AtomicU32::new(0));
    let router = Router::new()
        .route("/things", post(create))
        .layer(Extension(scope()))
        .with_state((world.store.clone(), effects.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/things", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let asking = (0..REQUESTS).map(|number| tokio::spawn(ask(client.clone(), url.clone(), number % 2 == 0)));
    let answers = join_all(asking.collect::<Vec<_>>()).await;
    let (answers, replays): (Vec<Got>, Vec<bool>) = answers.into_iter().map(Result::unwrap).unzip();
    assert_eq!(effects.load(Ordering::SeqCst), 1);
    assert_eq!((answers[0].status, answers[0].body.as_str()), (201, "effect 0"));
    assert!(answers[0].location.is_some() && answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(replays.iter().filter(|is_replay| !**is_replay).count(), 1, "one is fresh");
    server.abort();
}
