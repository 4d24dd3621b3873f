//! A service that makes each thing once, however often a client asks.
//!
//! ```sh
//! cargo run -p recon-idempotency --example axum &
//! curl -i localhost:3000/things -H 'Idempotency-Key: one' -d 'a thing'    # 201, made
//! curl -i localhost:3000/things -H 'Idempotency-Key: one' -d 'a thing'    # the same answer, replayed
//! curl -i localhost:3000/things -H 'Idempotency-Key: one' -d 'another'    # 422, the key is used
//! ```
#![expect(clippy::print_stdout, reason = "an example says where it listens")]

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Router, serve};
use futures_util::FutureExt;
use recon_idempotency::axum::Keyed;
use recon_idempotency::{ClaimOutcome, Error, Scope, StoredResponse, sqlite};
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Connection, SqliteConnection, SqlitePool};
use uuid::Uuid;

/// The effect: a row in the database that also has the keys.
async fn insert(tx: &mut SqliteConnection, name: String) -> Result<i64, Error> {
    let insert = sqlx::query("insert into things (name) values ($1)").bind(name);
    Ok(insert.execute(tx).await?.last_insert_rowid())
}

/// Effect, key and answer in one transaction, on a task of its own: a client that goes away leaves nothing half done.
async fn create(State(pool): State<SqlitePool>, keyed: Keyed) -> Result<ClaimOutcome<i64>, Error> {
    let name = String::from_utf8_lossy(&keyed.body).into_owned();
    let guard = keyed.request.answering(|id: &i64| {
        StoredResponse::new(
            201,
            [("location", format!("/things/{id}"))],
            format!("thing {id}\n").into_bytes(),
        )
    });
    let transaction = async move {
        let mut tx = pool.begin_with("begin immediate").await?;
        let outcome = sqlite::guarded(&mut tx, &guard, |tx| insert(tx, name).boxed()).await?;
        tx.commit().await?;
        Ok(outcome)
    };
    tokio::spawn(transaction).await.map_err(|cut| Error::Unavailable { source: cut.into() })?
}

/// Here everybody is the same caller; a real service authenticates, and says who asks.
async fn authenticate(mut request: Request, next: Next) -> Response {
    let everybody = Scope { workspace: Uuid::nil(), principal: Uuid::nil() };
    request.extensions_mut().insert(everybody);
    next.run(request).await
}

/// The service on this database.
async fn service(url: &str) -> Result<Router, sqlx::Error> {
    // What is in memory goes with its connection.
    let options = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    // Where a disk is full, SQLite rolls back by itself, and the connection could begin nothing any more.
    let options = options.after_release(|connection, _| {
        Box::pin(async move {
            if connection.is_in_transaction() {
                connection.ping().await?;
            }
            Ok(!connection.is_in_transaction())
        })
    });
    let pool = options.connect(url).await?;
    sqlx::raw_sql(sqlite::MIGRATION).execute(&pool).await?;
    sqlx::raw_sql("create table things (id integer primary key, name text not null)").execute(&pool).await?;
    let missing = || async { (StatusCode::NOT_FOUND, "try POST /things\n").into_response() };
    Ok(Router::new()
        .route("/things", post(create))
        .fallback(missing)
        .layer(from_fn(authenticate))
        .with_state(pool))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(serve(listener, service("sqlite::memory:").await?).await?)
}
