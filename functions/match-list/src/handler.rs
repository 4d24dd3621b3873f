//! Reads a page of the matches that a run published.

use std::fs::File;

use axum::extract::State;
use recon_contract::{CursorError, List, Match, MatchQuery, Page, Problem};
use recon_domain::ReconciliationId;
use recon_formats::results::matches_parquet::Filter;
use recon_runtime::{Answer, Caller, Params, PathId, Refusal, Reply};
use recon_store::ObjectError;

use crate::Deps;
use crate::matches::Matches;

pub(crate) async fn list(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<ReconciliationId>,
    Params(query): Params<MatchQuery>,
) -> Answer<Page<Match>> {
    let record = deps.reconciliations.get(caller.workspace, id).await?;
    let record = record.ok_or_else(|| Refusal::not_found("reconciliation", id))?;
    let Some(published) = record.published else {
        return Ok(Reply::ok(&Page { items: Vec::new(), next_cursor: None }));
    };
    let after = u64::try_from(query.page.after.unwrap_or(0)).map_err(|_| Problem::from(CursorError::Form))?;
    let filter = Filter { pass: query.pass, status: query.status };
    let object = open(&deps, &caller, id, &published.result.matches_object).await?;
    let read = tokio::task::spawn_blocking(move || {
        let matches = Matches::open(object, after, filter)?;
        let placed = matches.map(|found| found.map(|found| (found.number.into(), found.into_wire(id))));
        Page::fill(List::Matches, query.page.limit, placed)
    });
    Ok(Reply::ok(&read.await.map_err(Refusal::internal)?.map_err(Refusal::internal)?))
}

/// Opens the matches. Where they are gone, so may be the reconciliation, which somebody deleted meanwhile.
async fn open(deps: &Deps, caller: &Caller, id: ReconciliationId, object: &str) -> Result<File, Refusal> {
    match deps.objects.open(object).await {
        Err(ObjectError::NotFound { .. })
            if deps.reconciliations.get(caller.workspace, id).await?.is_none() =>
        {
            Err(Refusal::not_found("reconciliation", id))
        }
        opened => Ok(opened?),
    }
}
