//! Reads a page of the matches that a run published.

use axum::extract::State;
use recon_contract::{CursorError, List, Match, MatchQuery, Page, Problem};
use recon_domain::ReconciliationId;
use recon_formats::results::matches_parquet::Filter;
use recon_runtime::{Answer, Caller, Params, PathId, Refusal, Reply, Unread, read_object};
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
    let read = read_object(&deps.objects, &published.result.matches_object, move |object| {
        let matches = Matches::open(object, after, filter)?;
        let placed = matches.map(|found| found.map(|found| (found.number.into(), found.into_wire(id))));
        Page::fill(List::Matches, query.page.limit, placed)
    });
    match read.await {
        // So may be the reconciliation, which somebody deleted meanwhile.
        Err(Unread::Object(ObjectError::NotFound { .. }))
            if deps.reconciliations.get(caller.workspace, id).await?.is_none() =>
        {
            Err(Refusal::not_found("reconciliation", id))
        }
        page => Ok(Reply::ok(&page?)),
    }
}
