//! Sends a part of a published result.

use std::fs::File;

use axum::extract::State;
use axum::response::Response;
use recon_contract::{Code, ExportQuery, ResultPart};
use recon_domain::ReconciliationId;
use recon_formats::results::matches_parquet::{self, Reader};
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
            let matches = typed(matches).await?;
            download.written_by(move |out| write_stored_matches(matches, format, out)).await
        }
        ResultPart::Breaks => {
            let matches = open(&deps, &caller, id, &published.result.matches_object).await?;
            let matches = typed(matches).await?;
            let breaks = StoredBreaks::new(deps.breaks.clone(), caller.workspace, id);
            match download.written_by(move |out| write_breaks(&breaks, matches, format, out)).await {
                Err(_) if is_gone(&deps, &caller, id).await? => Err(Refusal::not_found("reconciliation", id)),
                sent => sent,
            }
        }
        ResultPart::Rejections => {
            let rejections = rejections(&deps, &caller, id, published.attempt).await?;
            download.written_by(move |out| write_stored_rejections(rejections, format, out)).await
        }
    }
}

/// Looks whether these matches can be written to a file: those that an earlier version stored do not say which of their
/// columns are numbers.
async fn typed(matches: File) -> Result<File, Refusal> {
    let look = tokio::task::spawn_blocking(move || {
        let reader = Reader::open(matches.try_clone().map_err(Refusal::internal)?);
        match reader.and_then(|reader| reader.columns().map(drop)) {
            Ok(()) => Ok(matches),
            Err(matches_parquet::Error::Missing(_)) => {
                let detail = "an earlier version stored this result, without the types of its columns, so that it can be \
                              listed and not exported; reconcile again for a file";
                Err(Refusal::new(Code::NoResult, detail))
            }
            Err(error @ matches_parquet::Error::Parquet(_)) => Err(Refusal::internal(error)),
        }
    });
    look.await.map_err(Refusal::internal)?
}

/// Opens the rejected rows, of which earlier versions kept no list.
async fn rejections(
    deps: &Deps,
    caller: &Caller,
    id: ReconciliationId,
    attempt: u32,
) -> Result<File, Refusal> {
    match deps.objects.open(&object_name::rejections(id, attempt)).await {
        Err(ObjectError::NotFound { .. }) if is_gone(deps, caller, id).await? => {
            Err(Refusal::not_found("reconciliation", id))
        }
        Err(ObjectError::NotFound { .. }) => {
            let detail = "this result has no list of rejected rows, as those that earlier versions stored; reconcile \
                          again for one";
            Err(Refusal::new(Code::NoResult, detail))
        }
        opened => Ok(opened?),
    }
}

/// Whether somebody deleted the reconciliation meanwhile.
async fn is_gone(deps: &Deps, caller: &Caller, id: ReconciliationId) -> Result<bool, Refusal> {
    Ok(deps.reconciliations.get(caller.workspace, id).await?.is_none())
}

/// Opens an object of the result. Where it is gone, so may be the reconciliation, which somebody deleted meanwhile.
async fn open(deps: &Deps, caller: &Caller, id: ReconciliationId, object: &str) -> Result<File, Refusal> {
    match deps.objects.open(object).await {
        Err(ObjectError::NotFound { .. }) if is_gone(deps, caller, id).await? => {
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
