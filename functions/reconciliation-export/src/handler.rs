//! Sends a part of a published result.

use std::fs::File;

use axum::extract::State;
use axum::response::Response;
use recon_contract::{Code, ExportQuery, ResultFormat, ResultPart};
use recon_domain::ReconciliationId;
use recon_formats::results::matches_parquet::{self, Reader};
use recon_formats::results::{write_stored_matches, write_stored_rejections};
use recon_runtime::{Caller, Download, Downloaded, Params, PathId, Refusal};
use recon_store::{ObjectError, Opening, ReconciliationStatus, Taken, object_name};

use crate::export::{Error, StoredBreaks, write_breaks};
use crate::{Deps, kept};

pub(crate) async fn export(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<ReconciliationId>,
    Params(ExportQuery { what, format }): Params<ExportQuery>,
) -> Result<Response, Refusal> {
    let record = deps.reconciliations.get(caller.workspace, id).await?;
    let record = record.ok_or_else(|| Refusal::not_found("reconciliation", id))?;
    let published = record.published.ok_or_else(|| no_result(record.status))?;
    let wanted =
        Wanted { id, attempt: published.attempt, matches: published.result.matches_object, what, format };
    let sent = send(&deps, &caller, &wanted).await;
    // What is not found may be gone with the reconciliation, which somebody deleted meanwhile.
    match sent {
        Err(_) if deps.reconciliations.get(caller.workspace, id).await?.is_none() => {
            Err(Refusal::not_found("reconciliation", id))
        }
        sent => sent,
    }
}

async fn send(deps: &Deps, caller: &Caller, wanted: &Wanted) -> Result<Response, Refusal> {
    if let Some(address) = kept::address(deps, caller, wanted).await? {
        return kept::redirect(&address);
    }
    let download = Download::new(wanted.file_name(), wanted.format.media_type());
    download.written_by(writing(deps, caller, wanted).await?).await
}

/// What is to be sent.
pub(crate) struct Wanted {
    pub(crate) id: ReconciliationId,
    pub(crate) attempt: u32,
    pub(crate) what: ResultPart,
    pub(crate) format: ResultFormat,
    matches: String,
}

impl Wanted {
    pub(crate) fn file_name(&self) -> String {
        format!("{}.{}", self.what.file_stem(), self.format)
    }
}

/// What writes the file, for a thread that may wait.
pub(crate) type Write = Box<dyn FnOnce(&mut Downloaded) -> Result<(), Error> + Send>;

/// Opens what the file is made of.
pub(crate) async fn writing(deps: &Deps, caller: &Caller, wanted: &Wanted) -> Result<Write, Refusal> {
    let Wanted { id, attempt, what, format, ref matches } = *wanted;
    Ok(match what {
        ResultPart::Matches => {
            let Opening { file, room } = deps.objects.open_for_long(matches).await?;
            let matches = typed(file).await?;
            Box::new(move |out| holding(room, || Ok(write_stored_matches(matches, format, out)?)))
        }
        ResultPart::Breaks => {
            let Opening { file, room } = deps.objects.open_for_long(matches).await?;
            let matches = typed(file).await?;
            let breaks = StoredBreaks::new(deps.breaks.clone(), caller.workspace, id);
            Box::new(move |out| holding(room, || write_breaks(&breaks, matches, format, out)))
        }
        ResultPart::Rejections => {
            let Opening { file, room } = rejections(deps, id, attempt).await?;
            Box::new(move |out| holding(room, || Ok(write_stored_rejections(file, format, out)?)))
        }
    })
}

/// A client takes a file as slowly as it likes, and what it is made of is open meanwhile.
fn holding<T>(room: Taken, write: impl FnOnce() -> T) -> T {
    let written = write();
    drop(room);
    written
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
async fn rejections(deps: &Deps, id: ReconciliationId, attempt: u32) -> Result<Opening, Refusal> {
    match deps.objects.open_for_long(&object_name::rejections(id, attempt)).await {
        Err(ObjectError::NotFound { .. }) => {
            let detail = "this result has no list of rejected rows, as those that earlier versions stored; reconcile \
                          again for one";
            Err(Refusal::new(Code::NoResult, detail))
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
