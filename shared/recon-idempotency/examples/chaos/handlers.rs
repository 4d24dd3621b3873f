//! A thing is made, in each form. Where it is not the library's code that may end, the points are here.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use recon_idempotency::axum::Keyed;
use recon_idempotency::postgres::CompletedClaim;
use recon_idempotency::work::{self, WorkError};
use recon_idempotency::{
    ClaimOutcome, Claimed, Completion, Error, StoredResponse, completed_claim, postgres, sqlite,
};
use sqlx::{PgConnection, SqliteConnection, SqlitePool};
use uuid::Uuid;

use crate::plan::Form;
use crate::stores::Keys;

/// How long a key is blocked when the process that holds it is killed.
const LEASE: Duration = Duration::from_secs(1);
const RETRY_AFTER: Duration = Duration::from_secs(1);

const INSERT: &str = "insert into things (id, key) values ($1, $2)";
const INSERT_ONCE: &str = "insert into things (id, key) values ($1, $2) on conflict do nothing";
const CREATE: &str = concat!(
    "-- thing_create\n",
    completed_claim!(
        "true",
        "thing as (insert into things (id, key) select $12, $13 from idempotency_claim)"
    )
);

/// What handlers work with.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) form: Form,
    pub(crate) keys: Keys,
    /// Where remote effects are.
    pub(crate) elsewhere: SqlitePool,
}

pub(crate) async fn create(service: Service, keyed: Keyed) -> Response {
    match service.form {
        Form::Local => local(service.keys, keyed).await.into_response(),
        Form::OneStatement => one_statement(service.keys, keyed).await.into_response(),
        Form::Remote => remote(service, keyed, Id::Derived).await.into_response(),
        Form::RandomId => remote(service, keyed, Id::Random).await.into_response(),
        Form::AnswersFirst => answers_first(service, keyed).await.into_response(),
    }
}

/// It says which process answered, so that a replay by another one is seen for what it is.
fn made(id: &Uuid) -> StoredResponse {
    let body = format!("thing {id}, made by process {}\n", std::process::id());
    StoredResponse::new(201, [("location", format!("/things/{id}"))], body.into_bytes())
}

/// An id that no other attempt has.
pub(crate) fn new_id() -> Result<Uuid, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(unavailable)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

pub(crate) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Unavailable { source: source.into() }
}

/// What a panic leaves behind is answered with 503: a client asks again.
fn joined<T>(ended: Result<Result<T, Error>, tokio::task::JoinError>) -> Result<T, Error> {
    ended.map_err(unavailable)?
}

macro_rules! insert {
    ($name:ident, $connection:ty) => {
        async fn $name(tx: &mut $connection, key: String) -> Result<Uuid, Error> {
            let id = new_id()?;
            fail::fail_point!("before-effect");
            sqlx::query(INSERT).bind(id.to_string()).bind(key).execute(tx).await?;
            fail::fail_point!("after-effect");
            Ok(id)
        }
    };
}
insert!(insert_sqlite, SqliteConnection);
insert!(insert_postgres, PgConnection);

async fn local(keys: Keys, keyed: Keyed) -> Result<ClaimOutcome<Uuid>, Error> {
    let key = keyed.request.key.to_string();
    let guard = keyed.request.answering(made);
    macro_rules! transaction {
        ($begin:expr, $module:ident, $insert:ident) => {{
            let mut tx = $begin.await?;
            let outcome = $module::guarded(&mut tx, &guard, |tx| $insert(tx, key).boxed()).await?;
            fail::fail_point!("before-commit");
            tx.commit().await?;
            fail::fail_point!("after-commit");
            Ok(outcome)
        }};
    }
    let transaction = async move {
        match keys {
            Keys::Sqlite(pool) => transaction!(pool.begin_with("begin immediate"), sqlite, insert_sqlite),
            Keys::Postgres(pool) => transaction!(pool.begin(), postgres, insert_postgres),
            #[cfg(feature = "aws")]
            Keys::DynamoDb(tables) => tables.put(new_id()?, key, &guard).await,
            Keys::Claims(_) => Err(unavailable("no effect is local here")),
        }
    };
    joined(tokio::spawn(transaction).await)
}

async fn one_statement(keys: Keys, keyed: Keyed) -> Result<ClaimOutcome<Uuid>, Error> {
    let Keys::Postgres(pool) = keys else { return Err(unavailable("only PostgreSQL has such statements")) };
    let (key, id) = (keyed.request.key.to_string(), new_id()?);
    let guard = keyed.request.answering(made);
    let claim = CompletedClaim::new(&guard, &id)?;
    let create = sqlx::query_with(CREATE, claim.arguments()).bind(id.to_string()).bind(key);
    let statement = async move {
        fail::fail_point!("before-commit");
        let row = create.fetch_one(&pool).await?;
        fail::fail_point!("after-commit");
        let outcome = claim.outcome(&guard, id, &row)?;
        Ok(outcome.unwrap_or(ClaimOutcome::InFlight { retry_after: RETRY_AFTER }))
    };
    joined(tokio::spawn(statement).await)
}

/// Where the id of a remote effect comes from.
#[derive(Clone, Copy)]
enum Id {
    Derived,
    Random,
}

async fn remote(service: Service, keyed: Keyed, id: Id) -> Result<ClaimOutcome<()>, Error> {
    let key = keyed.request.key.to_string();
    let elsewhere = service.elsewhere;
    let outcome = work::run(service.keys.claims(), keyed.request, LEASE, async move |seed| {
        let id = match id {
            Id::Derived => seed.derived_id("thing"),
            Id::Random => new_id().map_err(work::Failed::NoEffect)?,
        };
        insert_elsewhere(&elsewhere, id, &key).await.map_err(work::Failed::Unknown)?;
        Ok(made(&id))
    });
    outcome.await.map_err(|error| match error {
        WorkError::Store(error) | WorkError::NoEffect(error) | WorkError::Unknown(error) => error,
        WorkError::CutOff(cut) => unavailable(cut),
    })
}

async fn insert_elsewhere(elsewhere: &SqlitePool, id: Uuid, key: &str) -> Result<(), Error> {
    fail::fail_point!("before-effect");
    sqlx::query(INSERT_ONCE).bind(id.to_string()).bind(key).execute(elsewhere).await?;
    fail::fail_point!("after-effect");
    Ok(())
}

/// Wrong: who dies between answer and effect has answered for an effect that never is.
async fn answers_first(service: Service, keyed: Keyed) -> Result<ClaimOutcome<()>, Error> {
    let store = service.keys.claims();
    let key = keyed.request.key.to_string();
    fail::fail_point!("idempotency-before-claim");
    let claim = match store.claim(&keyed.request, LEASE).await? {
        Claimed::Run(claim) => claim,
        Claimed::Held(held) => return Ok(held.into()),
    };
    fail::fail_point!("idempotency-after-claim");
    let id = claim.derived_id("thing");
    let response = made(&id);
    fail::fail_point!("idempotency-before-complete");
    let Completion::Stored { .. } = store.complete(&claim, &response).await? else {
        return Ok(ClaimOutcome::InFlight { retry_after: RETRY_AFTER });
    };
    fail::fail_point!("idempotency-after-complete");
    insert_elsewhere(&service.elsewhere, id, &key).await?;
    Ok(ClaimOutcome::Fresh { value: (), response })
}
