//! Looks at the process and at what it stands on.

use std::collections::BTreeMap;

use axum::extract::State;
use recon_contract::{Code, Health, Readiness, Ready};
use recon_runtime::{Answer, Refusal, Reply};
use recon_store::{Error, Schema, Store, Tie};

use crate::Deps;

const OK: &str = "ok";
const DOES_NOT_ANSWER: &str = "does not answer";

pub(crate) async fn health() -> Answer<Health> {
    Ok(Reply::ok(&Health::ok(env!("CARGO_PKG_VERSION"))))
}

pub(crate) async fn ready(State(deps): State<Deps>) -> Answer<Ready> {
    if deps.process.is_draining() {
        return Err(Refusal::new(Code::Draining, "the process is stopping"));
    }
    let checks = BTreeMap::from([
        ("database".to_owned(), database(&deps).await?.to_owned()),
        ("objects".to_owned(), objects(&deps).await?.to_owned()),
    ]);
    let all_ok = checks.values().all(|check| check == OK);
    let status = if all_ok { Readiness::Ready } else { Readiness::Degraded };
    Ok(Reply::ok(&Ready { status, checks }))
}

async fn database(deps: &Deps) -> Result<&'static str, Refusal> {
    match deps.store.check().await {
        Ok(Schema::Compatible { .. }) => Ok(OK),
        Ok(schema @ (Schema::Older { .. } | Schema::Newer { .. })) => {
            Err(Refusal::new(Code::IncompatibleSchema, schema.to_string()))
        }
        Err(_) => Ok(DOES_NOT_ANSWER),
    }
}

async fn objects(deps: &Deps) -> Result<&'static str, Refusal> {
    if deps.store.objects().check().await.is_err() {
        return Ok(DOES_NOT_ANSWER);
    }
    match deps.store.objects_tie().await {
        Ok(Tie::Ours | Tie::Loose) => Ok(OK),
        Ok(tie @ Tie::Foreign) => Err(Refusal::new(Code::ForeignObjects, tie.to_string())),
        Err(Error::Unavailable { doing: Store::TIE_OBJECTS, .. }) => Ok(DOES_NOT_ANSWER),
        // That is said of the database.
        Err(_) => Ok(OK),
    }
}
