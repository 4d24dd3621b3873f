//! Reads a page of breaks.

use axum::extract::State;
use recon_contract::{Break, BreakQuery, CursorError, List, Page, Problem};
use recon_domain::{ReconciliationId, Side};
use recon_runtime::{Answer, Caller, Params, PathId, Refusal, Reply, wire};
use recon_store::{BreakFilter, BreakPlace, BreakRecord, BreakSeek};

use crate::Deps;

pub(crate) async fn list(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<ReconciliationId>,
    Params(query): Params<BreakQuery>,
) -> Answer<Page<Break>> {
    let filter = BreakFilter { side: query.side, kind: query.kind, status: query.status };
    let after = query.page.after.map(place).transpose()?;
    let seek = BreakSeek { after, limit: query.page.limit.into() };
    let page = deps.breaks.list(caller.workspace, id, filter, seek).await?;
    let page = page.ok_or_else(|| Refusal::not_found("reconciliation", id))?;
    let placed = |record: &BreakRecord| Ok((position(record.side, record.row), wire::break_of(record)?));
    let items = page.items.iter().map(placed).collect::<Result<Vec<_>, Refusal>>()?;
    Ok(Reply::ok(&Page::cut(List::Breaks, items, page.next.is_some())))
}

/// A place as one number: the side above the row.
fn position(side: Side, row: u32) -> u128 {
    let side = match side {
        Side::Left => 0,
        Side::Right => 1,
    };
    side << u32::BITS | u128::from(row)
}

fn place(position: u128) -> Result<BreakPlace, Refusal> {
    let odd = || Problem::from(CursorError::Form);
    let side = match position >> u32::BITS {
        0 => Side::Left,
        1 => Side::Right,
        _ => return Err(odd().into()),
    };
    let row = u32::try_from(position & u128::from(u32::MAX)).map_err(|_| odd())?;
    Ok(BreakPlace { side, row })
}
