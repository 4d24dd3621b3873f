//! The same create in every shape, and what each is compared with.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::FutureExt;
use recon_idempotency::axum::Keyed;
use recon_idempotency::postgres::{CompletedClaim, guarded};
use recon_idempotency::{ClaimOutcome, Error, Guard, Scope, StoredResponse, completed_claim};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// What the shapes write to. The guide keeps key and answer in the thing's own row, with the index that finds them; `peer_keys` is the table
/// of those that keep keys beside their effect.
pub(crate) const TABLES: &str = "
create table things (id uuid primary key, name text not null);
create table guide_things (id uuid primary key, name text not null, idempotency_key text not null, answer text not null);
create index guide_things_by_key on guide_things (idempotency_key);
create table peer_keys (key text primary key, state text not null, body text);
insert into peer_keys values ('read', 'completed', 'one');";

const CREATE: &str = concat!(
    "-- thing_create\n",
    completed_claim!(
        "true",
        "thing as (insert into things (id, name) select $12, $13 from idempotency_claim)"
    )
);
const INSERT: &str = "insert into things (id, name) values ($1, $2)";
const NAME: &str = "one";

pub(crate) fn router(pool: PgPool) -> Router {
    Router::new()
        .route("/bare", post(bare))
        .route("/ours", post(ours))
        .route("/transaction", post(transaction))
        .route("/guide", post(guide))
        .route("/three", post(three))
        .route("/two", post(two))
        .route("/select", post(select))
        .with_state(pool)
}

pub(crate) async fn authenticate(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Scope { workspace: Uuid::nil(), principal: Uuid::nil() });
    next.run(request).await
}

pub(crate) fn new_id() -> Uuid {
    let mut bytes = [0; 16];
    // A bench goes on without randomness as long as ids differ; they would not, and the insert says so.
    _ = getrandom::fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

pub(crate) fn stored(id: &Uuid) -> StoredResponse {
    StoredResponse::new(201, [("location", format!("/things/{id}"))], id.to_string().into_bytes())
}

fn guard(keyed: Keyed) -> Guard<Uuid> {
    keyed.request.answering(stored)
}

pub(crate) fn made(id: Uuid) -> Response {
    stored(&id).into_response()
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_or_else`")]
fn failed(error: sqlx::Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}

async fn bare(State(pool): State<PgPool>, keyed: Keyed) -> Response {
    let id = new_id();
    let insert = sqlx::query(INSERT).bind(id).bind(NAME);
    drop(keyed);
    insert.execute(&pool).await.map_or_else(failed, |_| made(id))
}

async fn ours(State(pool): State<PgPool>, keyed: Keyed) -> Result<ClaimOutcome<Uuid>, Error> {
    let (guard, id) = (guard(keyed), new_id());
    let claim = CompletedClaim::new(&guard, &id)?;
    let create = sqlx::query_with(CREATE, claim.arguments()).bind(id).bind(NAME);
    let row = create.fetch_one(&pool).await?;
    match claim.outcome(&guard, id, &row)? {
        Some(outcome) => Ok(outcome),
        None => in_transaction(pool, guard).await,
    }
}

async fn transaction(State(pool): State<PgPool>, keyed: Keyed) -> Result<ClaimOutcome<Uuid>, Error> {
    in_transaction(pool, guard(keyed)).await
}

async fn in_transaction(pool: PgPool, guard: Guard<Uuid>) -> Result<ClaimOutcome<Uuid>, Error> {
    async fn insert(tx: &mut PgConnection) -> Result<Uuid, Error> {
        let id = new_id();
        sqlx::query(INSERT).bind(id).bind(NAME).execute(tx).await?;
        Ok(id)
    }
    let transaction = async move {
        let mut tx = pool.begin().await?;
        let outcome = guarded(&mut tx, &guard, |tx| insert(tx).boxed()).await?;
        tx.commit().await?;
        Ok(outcome)
    };
    tokio::spawn(transaction).await.map_err(|cut| Error::Unavailable { source: cut.into() })?
}

const GUIDE_SELECT: &str = "select answer from guide_things where idempotency_key = $1";
const GUIDE_INSERT: &str =
    "insert into guide_things (id, name, idempotency_key, answer) values ($1, $2, $3, $4)";

/// Looks first and writes later: two at once both miss.
async fn guide(State(pool): State<PgPool>, keyed: Keyed) -> Response {
    let key = keyed.request.key.to_string();
    let found = sqlx::query_scalar::<_, String>(GUIDE_SELECT).bind(&key).fetch_optional(&pool).await;
    match found {
        Ok(Some(answer)) => return (StatusCode::CREATED, answer).into_response(),
        Ok(None) => {}
        Err(error) => return failed(error),
    }
    let id = new_id();
    let insert = sqlx::query(GUIDE_INSERT).bind(id).bind(NAME).bind(key).bind(id.to_string());
    insert.execute(&pool).await.map_or_else(failed, |_| made(id))
}

const BEGIN_KEY: &str =
    "insert into peer_keys (key, state) values ($1, 'in_progress') on conflict do nothing";
const END_KEY: &str = "update peer_keys set state = 'completed', body = $2 where key = $1";

async fn three(State(pool): State<PgPool>, keyed: Keyed) -> Response {
    let (key, id) = (keyed.request.key.to_string(), new_id());
    let run = async {
        sqlx::query(BEGIN_KEY).bind(&key).execute(&pool).await?;
        sqlx::query(INSERT).bind(id).bind(NAME).execute(&pool).await?;
        sqlx::query(END_KEY).bind(&key).bind(id.to_string()).execute(&pool).await
    };
    run.await.map_or_else(failed, |_| made(id))
}

async fn two(State(pool): State<PgPool>, keyed: Keyed) -> Response {
    let (key, id) = (keyed.request.key.to_string(), new_id());
    let run = async move {
        let mut first = pool.begin().await?;
        sqlx::query(BEGIN_KEY).bind(&key).execute(&mut *first).await?;
        first.commit().await?;
        let mut second = pool.begin().await?;
        sqlx::query(INSERT).bind(id).bind(NAME).execute(&mut *second).await?;
        sqlx::query(END_KEY).bind(&key).bind(id.to_string()).execute(&mut *second).await?;
        second.commit().await
    };
    match tokio::spawn(run).await {
        Ok(done) => done.map_or_else(failed, |()| made(id)),
        Err(cut) => (StatusCode::INTERNAL_SERVER_ERROR, cut.to_string()).into_response(),
    }
}

async fn select(State(pool): State<PgPool>, headers: HeaderMap) -> Response {
    drop(headers);
    let read = sqlx::query_scalar::<_, String>("select body from peer_keys where key = $1").bind("read");
    read.fetch_one(&pool).await.map_or_else(failed, IntoResponse::into_response)
}
