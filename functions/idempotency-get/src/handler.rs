//! Shows what became of a key.

use axum::extract::State;
use recon_contract::{Code, KeyUse};
use recon_runtime::{Answer, OwnKey, Refusal, Reply, wire};

use crate::Deps;

pub(crate) async fn get(State(deps): State<Deps>, OwnKey { scope, key }: OwnKey) -> Answer<KeyUse> {
    let found = deps.keys.find(&scope, &key).await?;
    let found = found.ok_or_else(|| Refusal::new(Code::NotFound, "no request of yours has this key"))?;
    Ok(Reply::ok(&wire::key_use(&found)))
}
