//! An effect that is not in the keys' database: a `set` under an id that the claim derives, the keys in the same Redis.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use recon_idempotency::axum::Keyed;
use recon_idempotency::work::{self, Failed, WorkError};
use recon_idempotency::{ClaimOutcome, ClaimStore, Error};
use redis::aio::ConnectionManager;
use redis::{AsyncCommands as _, RedisError};

use crate::handlers::{made, new_id, stored};

const LEASE: Duration = Duration::from_secs(30);
const NAME: &str = "one";
/// What the bare read reads.
const READ: &str = "thing:read";

#[derive(Clone)]
struct Shared {
    connection: ConnectionManager,
    store: Arc<dyn ClaimStore>,
}

pub(crate) async fn router(client: redis::Client) -> anyhow::Result<Router> {
    let mut connection = ConnectionManager::new(client.clone()).await?;
    let () = connection.set(READ, NAME).await?;
    // A slow machine takes more than a quarter of a second now and then.
    let store =
        recon_idempotency::redis::Store::new(client, "bench:").response_within(Duration::from_secs(5));
    let shared = Shared { connection, store: Arc::new(store) };
    let router = Router::new().route("/set", post(set)).route("/work", post(work)).route("/get", post(get));
    Ok(router.with_state(shared))
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_or_else`")]
fn failed(error: RedisError) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}

async fn set(State(mut shared): State<Shared>, keyed: Keyed) -> Response {
    let id = new_id();
    drop(keyed);
    let set = shared.connection.set::<_, _, ()>(format!("thing:{id}"), NAME).await;
    set.map_or_else(failed, |()| made(id))
}

async fn work(State(shared): State<Shared>, keyed: Keyed) -> Result<ClaimOutcome<()>, Error> {
    let Shared { mut connection, store } = shared;
    let ran = work::run(store, keyed.request, LEASE, move |seed| async move {
        let id = seed.derived_id("thing");
        let set = connection.set::<_, _, ()>(format!("thing:{id}"), NAME).await;
        set.map(|()| stored(&id)).map_err(Failed::Unknown)
    });
    ran.await.map_err(|error: WorkError<RedisError>| Error::Unavailable { source: error.into() })
}

async fn get(State(mut shared): State<Shared>, headers: HeaderMap) -> Response {
    drop(headers);
    shared.connection.get::<_, String>(READ).await.map_or_else(failed, IntoResponse::into_response)
}
