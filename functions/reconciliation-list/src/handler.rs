//! Reads a page of reconciliations.

use axum::extract::State;
use recon_contract::{List, Page, Reconciliation, ReconciliationListQuery};
use recon_domain::ReconciliationId;
use recon_runtime::{Answer, Caller, Params, Refusal, Reply, wire};
use recon_store::{ReconciliationRecord, ReconciliationSeek};
use uuid::Uuid;

use crate::Deps;

pub(crate) async fn list(
    State(deps): State<Deps>,
    caller: Caller,
    Params(query): Params<ReconciliationListQuery>,
) -> Answer<Page<Reconciliation>> {
    let seek = ReconciliationSeek {
        status: query.status.map(wire::asked_status),
        before: query.page.after.map(|position| ReconciliationId::from_uuid(Uuid::from_u128(position))),
        limit: query.page.limit.into(),
    };
    let page = deps.reconciliations.list(caller.workspace, seek).await?;
    let placed =
        |record: &ReconciliationRecord| Ok((record.id.uuid().as_u128(), wire::reconciliation(record)?));
    let items = page.items.iter().map(placed).collect::<Result<Vec<_>, Refusal>>()?;
    Ok(Reply::ok(&Page::cut(List::Reconciliations, items, page.more)))
}
