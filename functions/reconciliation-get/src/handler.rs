//! Reads a reconciliation, and waits for its end where asked to.

use std::time::Duration;

use axum::extract::State;
use recon_contract::{Reconciliation, ReconciliationQuery};
use recon_domain::ReconciliationId;
use recon_runtime::{Answer, Caller, IfNoneMatch, Params, PathId, Refusal, Reply, wire};
use recon_store::ReconciliationRecord;
use tokio::time::{Instant, sleep};

use crate::Deps;

/// How often a waiting request looks.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

pub(crate) async fn get(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<ReconciliationId>,
    Params(query): Params<ReconciliationQuery>,
    known: IfNoneMatch,
) -> Answer<Reconciliation> {
    let record = ended(&deps, &caller, id, query).await?;
    if known.has(record.version) {
        return Ok(Reply::not_modified().etag(record.version));
    }
    Ok(Reply::ok(&wire::reconciliation(&record)?).etag(record.version))
}

/// The reconciliation at its end, or as it is when the caller's patience, or this process, ends first.
async fn ended(
    deps: &Deps,
    caller: &Caller,
    id: ReconciliationId,
    query: ReconciliationQuery,
) -> Result<ReconciliationRecord, Refusal> {
    let until = Instant::now() + Duration::from_secs(query.wait_seconds.into());
    loop {
        let record = deps.reconciliations.get(caller.workspace, id).await?;
        let record = record.ok_or_else(|| Refusal::not_found("reconciliation", id))?;
        if record.status.is_final() || Instant::now() >= until || deps.process.is_draining() {
            return Ok(record);
        }
        sleep(LOOK_PAUSE).await;
    }
}
