//! Reads a page of the matches that a run published.

use std::fs::File;

use axum::extract::State;
use recon_contract::{CursorError, List, Match, MatchQuery, Page, Problem};
use recon_domain::ReconciliationId;
use recon_formats::results::matches_parquet::{Error, Filter, Reader, StoredMatch};
use recon_runtime::{Answer, Caller, Params, PathId, Refusal, Reply};

use crate::Deps;

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
    let limit = query.page.limit;
    let after = u64::try_from(query.page.after.unwrap_or(0)).map_err(|_| Problem::from(CursorError::Form))?;
    let filter = Filter { pass: query.pass, status: query.status };
    let object = deps.objects.open(&published.result.matches_object).await?;
    let read = tokio::task::spawn_blocking(move || read(object, after, &filter, limit.into()));
    let (found, more) = read.await.map_err(Refusal::internal)?.map_err(Refusal::internal)?;
    let items = found.into_iter().map(|found| (found.number.into(), found.into_wire(id)));
    Ok(Reply::ok(&Page::cut(List::Matches, items, more)))
}

/// A page of matches, and whether more follow.
fn read(object: File, after: u64, filter: &Filter, limit: usize) -> Result<(Vec<StoredMatch>, bool), Error> {
    let mut found = Reader::open(object)?.page(after, filter, limit + 1)?;
    let more = found.len() > limit;
    found.truncate(limit);
    Ok((found, more))
}
