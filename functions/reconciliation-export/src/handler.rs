//! Sends a part of a published result.

use std::fs::File;

use axum::extract::State;
use axum::response::Response;
use recon_contract::{Code, ExportQuery, ResultPart};
use recon_domain::ReconciliationId;
use recon_formats::results::{write_stored_matches, write_stored_rejections};
use recon_runtime::{Caller, Download, Params, PathId, Refusal};
use recon_store::{ObjectError, ReconciliationStatus, object_name};

use crate::Deps;
use crate::export::{StoredBreaks, write_breaks};

pub(crate) async fn export(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<ReconciliationId>,
    Params(ExportQuery { what, format }): Params<ExportQuery>,
) -> Result<Response, Refusal> {
    let record = deps.reconciliations.get(caller.workspace, id).await?;
    let record = record.ok_or_else(|| Refusal::not_found("reconciliation", id))?;
    let published = record.published.ok_or_else(|| no_result(record.status))?;
    let download = Download::new(format!("{}.{format}", what.file_stem()), format.media_type());
    match what {
        ResultPart::Matches => {
            let matches = open(&deps, &caller, id, &published.result.matches_object).await?;
            download.written_by(move |out| write_stored_matches(matches, format, out)).await
        }
        ResultPart::Breaks => {
            let matches = open(&deps, &caller, id, &published.result.matches_object).await?;
            let breaks = StoredBreaks::new(deps.breaks, caller.workspace, id);
            download.written_by(move |out| write_breaks(&breaks, matches, format, out)).await
        }
        ResultPart::Rejections => {
            let rejections =
                open(&deps, &caller, id, &object_name::rejections(id, published.attempt)).await?;
            download.written_by(move |out| write_stored_rejections(rejections, format, out)).await
        }
    }
}

/// Opens an object of the result. Where it is gone, so may be the reconciliation, which somebody deleted meanwhile.
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

fn no_result(status: ReconciliationStatus) -> Refusal {
    let detail = match status {
        ReconciliationStatus::Queued | ReconciliationStatus::Running | ReconciliationStatus::Succeeded => {
            "the reconciliation has not come to its end; ask again when its status is `succeeded`"
        }
        ReconciliationStatus::Failed => "the reconciliation failed, and has no result",
        ReconciliationStatus::Cancelled => "the reconciliation was cancelled, and has no result",
    };
    Refusal::new(Code::NoResult, detail)
}
