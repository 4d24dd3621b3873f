//! Tells what the process's probes found.

use axum::extract::State;
use recon_contract::{Health, Ready};
use recon_runtime::{Answer, Probes, Reply};

use crate::Deps;

pub(crate) async fn health() -> Answer<Health> {
    Ok(Reply::ok(&Probes::health()))
}

pub(crate) async fn ready(State(deps): State<Deps>) -> Answer<Ready> {
    Ok(Reply::ok(&deps.probes.ready().await?))
}
