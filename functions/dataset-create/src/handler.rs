//! Makes a dataset that awaits its content.

use axum::extract::State;
use recon_contract::{Dataset, NewDataset, options};
use recon_domain::DatasetId;
use recon_runtime::{Answer, Caller, Keyed, Refusal, Reply, wire};
use recon_store::{DatasetRecord, Json};

use crate::Deps;

pub(crate) async fn create(
    State(deps): State<Deps>,
    caller: Caller,
    Keyed { guard, request }: Keyed<NewDataset>,
) -> Answer<Dataset> {
    let new = planned(&deps, request)?;
    let outcome = deps.datasets.create(caller.workspace, guard.answering(created), new).await?;
    Reply::claimed(outcome)
}

fn planned(deps: &Deps, request: NewDataset) -> Result<recon_store::NewDataset, Refusal> {
    Ok(recon_store::NewDataset {
        id: DatasetId::from_uuid(deps.ids.next()?),
        name: request.name,
        format: request.format.to_string(),
        options: Json::of(&options::to_json(&request.options))?,
    })
}

fn created(record: &DatasetRecord) -> Answer<Dataset> {
    Ok(Reply::created(&wire::dataset(record)?).location(format_args!("/v1/datasets/{}", record.id)))
}
