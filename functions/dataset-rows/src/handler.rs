//! Reads a page of a dataset's rows.

use axum::extract::State;
use recon_contract::{CursorError, DatasetRow, DatasetRowQuery, Page, Problem, RowStatus, Values};
use recon_domain::DatasetId;
use recon_formats::rejections_parquet::{self, Rejected};
use recon_formats::{Keep, ReadAnywhere, RejectedRow, dataset_parquet};
use recon_runtime::{Answer, Caller, Params, PathId, Refusal, Reply, Unread, read_object, read_opened};
use recon_store::{ObjectError, object_name};

use crate::Deps;

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
    match page(&deps, content.object, after, query).await {
        // So may be the dataset, which somebody deleted meanwhile.
        Err(Unread::Object(ObjectError::NotFound { .. }))
            if deps.datasets.get(caller.workspace, id).await?.is_none() =>
        {
            Err(Refusal::not_found("dataset", id))
        }
        page => Ok(Reply::ok(&page?)),
    }
}

async fn page(
    deps: &Deps,
    content: String,
    after: u64,
    query: DatasetRowQuery,
) -> Result<Page<DatasetRow>, Unread> {
    let objects = &deps.objects;
    if query.status == RowStatus::Accepted {
        return read_object(objects, &content, move |object| accepted(object, after, query)).await;
    }
    match objects.reader(&object_name::rejected_beside(&content)).await {
        // Earlier versions kept no list of them: they stand among the others.
        Err(ObjectError::NotFound { .. }) => {
            read_object(objects, &content, move |object| rejected_among_others(object, after, query)).await
        }
        opened => read_opened(opened?, move |object| rejected(object, after, query)).await,
    }
}

fn accepted(
    object: impl ReadAnywhere,
    after: u64,
    query: DatasetRowQuery,
) -> Result<Page<DatasetRow>, dataset_parquet::Error> {
    let reader = dataset_parquet::Reader::of(object, &Keep::All)?;
    let header = reader.header().to_vec();
    let placed = reader.rows(after).map(|row| {
        let (position, row) = row?;
        let values = header.iter().cloned().zip(row.cells.into_iter().map(Into::into)).collect();
        Ok((position.into(), DatasetRow { row: row.row, line: row.line, values, reason: None, raw: None }))
    });
    Page::fill(query.status.list(), query.page.limit, placed)
}

fn rejected(
    object: impl ReadAnywhere,
    after: u64,
    query: DatasetRowQuery,
) -> Result<Page<DatasetRow>, rejections_parquet::Error> {
    let rows = rejections_parquet::Reader::of(object)?.rows(after, None);
    let placed = rows.map(|row| {
        let (position, Rejected { row, line, reason, values, raw, .. }) = row?;
        let values = values.into_iter().map(|(name, cell)| (name, cell.into())).collect();
        Ok((position.into(), DatasetRow { row, line, values, reason: Some(reason), raw }))
    });
    Page::fill(query.status.list(), query.page.limit, placed)
}

/// The same page as [`rejected`] gives, out of the rows of the dataset.
fn rejected_among_others(
    object: impl ReadAnywhere,
    after: u64,
    query: DatasetRowQuery,
) -> Result<Page<DatasetRow>, dataset_parquet::Error> {
    let mut reader = dataset_parquet::Reader::of(object, &Keep::Columns(Vec::new()))?;
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
