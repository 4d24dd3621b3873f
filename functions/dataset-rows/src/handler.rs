//! Reads a page of a dataset's rows.

use std::fs::File;

use axum::extract::State;
use recon_contract::{CursorError, DatasetRow, DatasetRowQuery, Page, Problem, RowStatus, Values};
use recon_domain::DatasetId;
use recon_formats::rejections_parquet::{self, Rejected};
use recon_formats::{Keep, RejectedRow, dataset_parquet};
use recon_runtime::{Answer, Caller, Params, PathId, Refusal, Reply};
use recon_store::{ObjectError, object_name};

use crate::Deps;

/// Where rows are read from.
enum Source {
    Accepted(File),
    Rejected(File),
    /// Rejected ones that stand among the others: earlier versions kept no list of them.
    RejectedAmongOthers(File),
}

pub(crate) async fn list(
    State(deps): State<Deps>,
    caller: Caller,
    PathId(id): PathId<DatasetId>,
    Params(query): Params<DatasetRowQuery>,
) -> Answer<Page<DatasetRow>> {
    let record = deps.datasets.get(caller.workspace, id).await?;
    let record = record.ok_or_else(|| Refusal::not_found("dataset", id))?;
    let Some(content) = record.content else {
        return Ok(Reply::ok(&Page { items: Vec::new(), next_cursor: None }));
    };
    let after = u64::try_from(query.page.after.unwrap_or(0)).map_err(|_| Problem::from(CursorError::Form))?;
    let source = source(&deps, &caller, id, &content.object, query.status).await?;
    let read = tokio::task::spawn_blocking(move || match source {
        Source::Accepted(object) => accepted(object, after, query).map_err(Refusal::internal),
        Source::Rejected(object) => rejected(object, after, query).map_err(Refusal::internal),
        Source::RejectedAmongOthers(object) => {
            rejected_among_others(object, after, query).map_err(Refusal::internal)
        }
    });
    Ok(Reply::ok(&read.await.map_err(Refusal::internal)??))
}

async fn source(
    deps: &Deps,
    caller: &Caller,
    id: DatasetId,
    content: &str,
    status: RowStatus,
) -> Result<Source, Refusal> {
    match status {
        RowStatus::Accepted => Ok(Source::Accepted(open(deps, caller, id, content).await?)),
        RowStatus::Rejected => match deps.objects.open(&object_name::rejected_beside(content)).await {
            Err(ObjectError::NotFound { .. }) => {
                Ok(Source::RejectedAmongOthers(open(deps, caller, id, content).await?))
            }
            opened => Ok(Source::Rejected(opened?)),
        },
    }
}

/// Opens an object of the dataset. Where it is gone, so may be the dataset, which somebody deleted meanwhile.
async fn open(deps: &Deps, caller: &Caller, id: DatasetId, object: &str) -> Result<File, Refusal> {
    match deps.objects.open(object).await {
        Err(ObjectError::NotFound { .. }) if deps.datasets.get(caller.workspace, id).await?.is_none() => {
            Err(Refusal::not_found("dataset", id))
        }
        opened => Ok(opened?),
    }
}

fn accepted(
    object: File,
    after: u64,
    query: DatasetRowQuery,
) -> Result<Page<DatasetRow>, dataset_parquet::Error> {
    let reader = dataset_parquet::Reader::open(object, &Keep::All)?;
    let header = reader.header().to_vec();
    let placed = reader.rows(after).map(|row| {
        let (position, row) = row?;
        let values = header.iter().cloned().zip(row.cells.into_iter().map(Into::into)).collect();
        Ok((position.into(), DatasetRow { row: row.row, line: row.line, values, reason: None, raw: None }))
    });
    Page::fill(query.status.list(), query.page.limit, placed)
}

fn rejected(
    object: File,
    after: u64,
    query: DatasetRowQuery,
) -> Result<Page<DatasetRow>, rejections_parquet::Error> {
    let rows = rejections_parquet::Reader::open(object)?.rows(after, None);
    let placed = rows.map(|row| {
        let (position, Rejected { row, line, reason, values, raw, .. }) = row?;
        let values = values.into_iter().map(|(name, cell)| (name, cell.into())).collect();
        Ok((position.into(), DatasetRow { row, line, values, reason: Some(reason), raw }))
    });
    Page::fill(query.status.list(), query.page.limit, placed)
}

/// The same page as [`rejected`] gives, out of the rows of the dataset.
fn rejected_among_others(
    object: File,
    after: u64,
    query: DatasetRowQuery,
) -> Result<Page<DatasetRow>, dataset_parquet::Error> {
    let mut reader = dataset_parquet::Reader::open(object, &Keep::Columns(Vec::new()))?;
    let batches = std::iter::from_fn(move || reader.next_batch().transpose());
    let rows = batches.flat_map(|batch| match batch {
        Ok(batch) => batch.rejected.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    let placed = (1_u64..).zip(rows).filter(|(position, row)| *position > after || row.is_err());
    let placed = placed.map(|(position, row)| {
        let RejectedRow { row, line, reason, raw } = row?;
        Ok((
            position.into(),
            DatasetRow { row: row.into(), line, values: Values::new(), reason: Some(reason), raw },
        ))
    });
    Page::fill(query.status.list(), query.page.limit, placed)
}
