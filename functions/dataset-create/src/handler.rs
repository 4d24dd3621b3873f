//! Makes a dataset that awaits its content.

use axum::extract::State;
use recon_contract::{Dataset, NewDataset, options};
use recon_domain::DatasetId;
use recon_runtime::{Answer, Caller, Keyed, Refusal, Reply, wire};
use recon_store::{DatasetRecord, Json, SignedUpload};

use crate::Deps;

pub(crate) async fn create(
    State(deps): State<Deps>,
    caller: Caller,
    Keyed { guard, request }: Keyed<NewDataset>,
) -> Answer<Dataset> {
    let new = planned(&deps, request)?;
    let signed = deps.objects.sign_upload(new.id, deps.clock.now()).await?;
    let guard = guard.answering(move |record| created(record, signed.as_ref()));
    let outcome = deps.datasets.create(caller.workspace, guard, new).await?;
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

fn created(record: &DatasetRecord, signed: Option<&SignedUpload>) -> Answer<Dataset> {
    let dataset = wire::dataset_to_upload(record, signed)?;
    Ok(Reply::created(&dataset).location(format_args!("/v1/datasets/{}", record.id)))
}
