//! Looks at the process and at what it stands on.

use std::collections::BTreeMap;

use axum::extract::State;
use recon_contract::{Code, Health, Readiness, Ready};
use recon_runtime::{Answer, Refusal, Reply};
use recon_store::Schema;

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
        ("objects".to_owned(), objects(&deps).await.to_owned()),
    ]);
    let all_ok = checks.values().all(|check| check == OK);
    let status = if all_ok { Readiness::Ready } else { Readiness::Degraded };
    Ok(Reply::ok(&Ready { status, checks }))
}

async fn database(deps: &Deps) -> Result<&'static str, Refusal> {
    let detail = match deps.store.check().await {
        Ok(Schema::Compatible { .. }) => return Ok(OK),
        Err(_) => return Ok(DOES_NOT_ANSWER),
        Ok(Schema::Older { found, needed }) => {
            format!("the schema is at version {found} and this build needs {needed}; run `recon migrate`")
        }
        Ok(Schema::Newer { found, min_compatible, known }) => {
            format!(
                "the schema is at version {found} for builds from {min_compatible} on, and this one knows {known}"
            )
        }
    };
    Err(Refusal::new(Code::IncompatibleSchema, detail))
}

async fn objects(deps: &Deps) -> &'static str {
    match deps.store.objects().check().await {
        Ok(()) => OK,
        Err(_) => DOES_NOT_ANSWER,
    }
}
