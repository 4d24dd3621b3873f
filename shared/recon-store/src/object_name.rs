//! The names of objects. Every upload and every attempt writes under a name of its own, so that late bytes of one never
//! touch another's.

use recon_domain::{DatasetId, ReconciliationId};
use uuid::Uuid;

/// Where uploads lie, each in the folder of its dataset.
pub(crate) const UPLOADS: &str = "uploads";
/// Where ingests write, each into the folder of its dataset.
pub(crate) const INGESTS: &str = "datasets";
/// Where attempts at reconciliations write, each into the folder of its reconciliation.
pub(crate) const ATTEMPTS: &str = "reconciliations";

/// How the last part of the name of an upload begins that came to a signed address.
const SIGNED: &str = "signed-";

/// The record in whose folder an object lies; `None` for a name that nothing here gives.
pub(crate) fn owner(folder: &str, name: &str) -> Option<Uuid> {
    let (owner, _) = name.strip_prefix(folder)?.strip_prefix('/')?.split_once('/')?;
    owner.parse().ok()
}

/// The name that what lies at this place of a local folder gets when it is written; `None` for a place where nothing is
/// written before it has its name. The library writes at `NAME#N`, and lists no such name.
pub(crate) fn staged_for(place: &str) -> Option<&str> {
    let (name, number) = place.rsplit_once('#')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

/// Where every upload of a dataset lies.
#[must_use]
pub fn uploads_of(dataset: DatasetId) -> String {
    format!("{UPLOADS}/{dataset}/")
}

/// Where every ingest of a dataset writes.
#[must_use]
pub fn ingests_of(dataset: DatasetId) -> String {
    format!("{INGESTS}/{dataset}/")
}

/// The bytes of one upload as the client sent them.
#[must_use]
pub(crate) fn upload(dataset: DatasetId, upload: Uuid) -> String {
    format!("uploads/{dataset}/{}", upload.hyphenated())
}

/// The bytes of one upload as a client sent them to a signed address. Of two, the one that was given out later comes later.
#[cfg(feature = "cluster")]
pub(crate) fn signed_upload(dataset: DatasetId, upload: Uuid) -> String {
    format!("uploads/{dataset}/{SIGNED}{}", upload.hyphenated())
}

/// Whether a client wrote this object itself, to a signed address.
pub(crate) fn is_signed_upload(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|last| last.starts_with(SIGNED))
}

/// The columns of a dataset as an ingest attempt wrote them.
#[must_use]
pub fn content(dataset: DatasetId, attempt: u32) -> String {
    format!("datasets/{dataset}/{attempt}.parquet")
}

/// The rows of a dataset that the same ingest attempt rejected, beside the [`content`] of this name.
#[must_use]
pub fn rejected_beside(content: &str) -> String {
    let stem = content.strip_suffix(".parquet").unwrap_or(content);
    format!("{stem}.rejected.parquet")
}

/// Where every attempt at a reconciliation writes.
#[must_use]
pub fn attempts_at(reconciliation: ReconciliationId) -> String {
    format!("reconciliations/{reconciliation}/")
}

/// The attempt that wrote an object of this reconciliation; `None` for a name that no attempt gives.
#[must_use]
pub fn attempt_of(reconciliation: ReconciliationId, name: &str) -> Option<u32> {
    let (attempt, _) = name.strip_prefix(attempts_at(reconciliation).as_str())?.split_once('/')?;
    attempt.parse().ok()
}

/// The matches of a reconciliation as an attempt wrote them.
#[must_use]
pub fn matches(reconciliation: ReconciliationId, attempt: u32) -> String {
    format!("reconciliations/{reconciliation}/{attempt}/matches.parquet")
}

/// The rows of both sides that an attempt at a reconciliation rejected.
#[must_use]
pub fn rejections(reconciliation: ReconciliationId, attempt: u32) -> String {
    format!("reconciliations/{reconciliation}/{attempt}/rejections.parquet")
}

/// A file of a result as it was made for clients, of an attempt at a reconciliation that was published.
#[must_use]
pub fn export(reconciliation: ReconciliationId, attempt: u32, file_name: &str) -> String {
    format!("reconciliations/{reconciliation}/{attempt}/exports/{file_name}")
}
