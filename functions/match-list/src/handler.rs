//! Reads a page of the matches that a run published.

use std::fs::File;

use axum::extract::State;
use recon_contract::{Cursor, CursorError, List, Match, MatchQuery, Page, Problem};
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
    let (found, next) = read.await.map_err(Refusal::internal)?.map_err(Refusal::internal)?;
    Ok(Reply::ok(&Page {
        items: found.into_iter().map(|found| found.into_wire(id)).collect(),
        next_cursor: next.map(|number| Cursor { list: List::Matches, position: number.into() }.to_string()),
    }))
}

/// A page, and the number of its last match if more follow.
fn read(
    object: File,
    after: u64,
    filter: &Filter,
    limit: usize,
) -> Result<(Vec<StoredMatch>, Option<u64>), Error> {
    let mut found = Reader::open(object)?.page(after, filter, limit + 1)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|found| found.number);
    Ok((found, next))
}
