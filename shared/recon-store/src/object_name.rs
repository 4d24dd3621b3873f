//! The names of objects. Every upload and every attempt writes under a name of its own, so that late bytes of one never
//! touch another's.

use recon_domain::{DatasetId, ReconciliationId};
use uuid::Uuid;

/// Where every upload of a dataset lies.
#[must_use]
pub fn uploads_of(dataset: DatasetId) -> String {
    format!("uploads/{dataset}/")
}

/// The bytes of one upload as the client sent them.
#[must_use]
pub(crate) fn upload(dataset: DatasetId, upload: Uuid) -> String {
    format!("uploads/{dataset}/{}", upload.hyphenated())
}

/// The columns of a dataset as an ingest attempt wrote them.
#[must_use]
pub fn content(dataset: DatasetId, attempt: u32) -> String {
    format!("datasets/{dataset}/{attempt}.parquet")
}

/// The matches of a reconciliation as an attempt wrote them.
#[must_use]
pub fn matches(reconciliation: ReconciliationId, attempt: u32) -> String {
    format!("reconciliations/{reconciliation}/{attempt}/matches.parquet")
}
