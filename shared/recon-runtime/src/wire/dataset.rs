//! Datasets as clients see them.

use std::collections::BTreeMap;

use recon_contract::route;
use recon_contract::{
    ColumnProfile, Dataset, DatasetStatus, Dialect, Failure, Format, RejectedRows, RejectedSample, Upload,
};
use recon_store::{DatasetContent, DatasetRecord, SignedUpload};

use crate::Refusal;
use crate::problem::unreadable;

/// A dataset.
///
/// # Errors
/// When the record holds what this version cannot read.
pub fn dataset(record: &DatasetRecord) -> Result<Dataset, Refusal> {
    let status = status(record.status);
    let content = record.content.as_ref();
    let dialect: Option<Dialect> = content.map(|content| content.dialect.read()).transpose()?;
    let format = dialect.as_ref().map_or(record.format.as_str(), |dialect| &dialect.format);
    let failure = |failure: &recon_store::Failure| Failure {
        code: failure.code.clone(),
        detail: failure.detail.clone(),
    };
    Ok(Dataset {
        id: record.id,
        name: record.name.clone(),
        format: format.parse::<Format>().map_err(unreadable)?,
        status,
        rows: content.map(|content| content.rows),
        rejected: content.map(rejected).transpose()?,
        columns: content.map(|content| content.columns.read::<Vec<ColumnProfile>>()).transpose()?,
        dialect,
        sha256: record.upload.as_ref().and_then(|upload| upload.sha256.clone()),
        error: record.failure.as_ref().map(failure),
        upload: (status == DatasetStatus::AwaitingUpload).then(|| upload(record)),
        created_at: record.created_at,
    })
}

const fn status(status: recon_store::DatasetStatus) -> DatasetStatus {
    match status {
        recon_store::DatasetStatus::AwaitingUpload => DatasetStatus::AwaitingUpload,
        recon_store::DatasetStatus::Ingesting => DatasetStatus::Ingesting,
        recon_store::DatasetStatus::Ready => DatasetStatus::Ready,
        recon_store::DatasetStatus::Rejected => DatasetStatus::Rejected,
    }
}

fn rejected(content: &DatasetContent) -> Result<RejectedRows, Refusal> {
    let samples: Vec<RejectedSample> = content.rejected_samples.read()?;
    Ok(RejectedRows { count: content.rejected, samples })
}

/// The same, with the address that takes its content without this API in between, where there is one.
///
/// # Errors
/// As [`dataset`].
pub fn dataset_to_upload(record: &DatasetRecord, signed: Option<&SignedUpload>) -> Result<Dataset, Refusal> {
    let mut dataset = dataset(record)?;
    if let (Some(upload), Some(signed)) = (&mut dataset.upload, signed) {
        // What comes after the dataset has expired is nobody's.
        upload.expires_at = upload.expires_at.map(|expires_at| expires_at.min(signed.expires_at));
        upload.url.clone_from(&signed.url);
        upload.headers.clone_from(&signed.headers);
    }
    Ok(dataset)
}

/// To this API, which takes content wherever it is kept.
fn upload(record: &DatasetRecord) -> Upload {
    Upload {
        method: route::DATASET_UPLOAD.method.to_string(),
        url: route::DATASET_UPLOAD.path.replace("{id}", &record.id.to_string()),
        headers: BTreeMap::new(),
        expires_at: Some(record.upload_expires_at()),
    }
}
