//! Reads a page of datasets.

use axum::extract::State;
use recon_contract::{Dataset, DatasetListQuery, List, Page};
use recon_domain::DatasetId;
use recon_runtime::{Answer, Caller, Params, Refusal, Reply, wire};
use recon_store::{DatasetRecord, DatasetSeek};
use uuid::Uuid;

use crate::Deps;

pub(crate) async fn list(
    State(deps): State<Deps>,
    caller: Caller,
    Params(query): Params<DatasetListQuery>,
) -> Answer<Page<Dataset>> {
    let seek = DatasetSeek {
        before: query.page.after.map(|position| DatasetId::from_uuid(Uuid::from_u128(position))),
        limit: query.page.limit.into(),
    };
    let page = deps.datasets.list(caller.workspace, seek).await?;
    let placed = |record: &DatasetRecord| Ok((record.id.uuid().as_u128(), wire::dataset(record)?));
    let items = page.items.iter().map(placed).collect::<Result<Vec<_>, Refusal>>()?;
    Ok(Reply::ok(&Page::cut(List::Datasets, items, page.more)))
}
