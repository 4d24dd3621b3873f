//! Reads a page of the rows that a run rejected.

use axum::extract::State;
use recon_contract::{CursorError, List, Page, Problem, Rejection, RejectionQuery};
use recon_domain::ReconciliationId;
use recon_formats::rejections_parquet::{Error, Reader, Rejected};
use recon_runtime::{Answer, Caller, Params, PathId, Refusal, Reply, Unread, read_object};
use recon_store::{ObjectError, object_name};

use crate::Deps;

pub(crate) async fn list(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<ReconciliationId>,
    Params(query): Params<RejectionQuery>,
) -> Answer<Page<Rejection>> {
    let record = deps.reconciliations.get(caller.workspace, id).await?;
    let record = record.ok_or_else(|| Refusal::not_found("reconciliation", id))?;
    let Some(published) = record.published else {
        return Ok(Reply::ok(&Page { items: Vec::new(), next_cursor: None }));
    };
    let after = u64::try_from(query.page.after.unwrap_or(0)).map_err(|_| Problem::from(CursorError::Form))?;
    let name = object_name::rejections(id, published.attempt);
    let read = read_object(&deps.objects, &name, move |object| {
        let placed = Reader::of(object)?.rows(after, query.side).map(placed);
        Page::fill(List::Rejections, query.page.limit, placed)
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

fn placed(row: Result<(u64, Rejected), Error>) -> Result<(u128, Rejection), Error> {
    let (position, rejected) = row?;
    Ok((position.into(), rejected.into_wire()?))
}
