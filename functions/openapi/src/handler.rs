//! Answers with a file, unless the caller has it.

use axum::extract::State;
use recon_runtime::{Answer, IfNoneMatch, Reply};

use crate::Deps;
use crate::document::Document;

pub(crate) async fn contract(State(deps): State<Deps>, known: IfNoneMatch) -> Answer<()> {
    Ok(answer(&deps.contract, &known))
}

pub(crate) async fn page(State(deps): State<Deps>, known: IfNoneMatch) -> Answer<()> {
    Ok(answer(&deps.page, &known))
}

fn answer(document: &Document, known: &IfNoneMatch) -> Reply<()> {
    let reply = if known.has(&document.tag) {
        Reply::not_modified()
    } else {
        Reply::text(document.media_type, document.text)
    };
    reply.etag(&document.tag).policy(document.policy.as_deref())
}
