//! Datasets: one uploaded file each.

use std::time::Duration;

use recon_domain::{DatasetId, Instant, WorkspaceId};

use crate::database::Database;
use crate::words::words;
use crate::{Clock, Failure, Json};

/// The most datasets of one page.
pub const DATASETS_PER_PAGE_MAX: u32 = 500;

/// How long a dataset awaits its upload after the last sign of life: its announcement, or the begin or end of an upload.
pub const UPLOAD_PATIENCE: Duration = Duration::from_hours(24);

/// How far a dataset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatasetStatus {
    /// Bytes may be uploaded.
    AwaitingUpload,
    /// The upload is pinned; a worker reads it.
    Ingesting,
    /// It never changes from here on.
    Ready,
    /// It cannot be read; the failure says why.
    Rejected,
}
words!(DatasetStatus {
    AwaitingUpload => "awaiting_upload", Ingesting => "ingesting", Ready => "ready", Rejected => "rejected",
});

/// A dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetRecord {
    /// The id.
    pub id: DatasetId,
    /// The workspace that owns it.
    pub workspace: WorkspaceId,
    /// The name that people gave it.
    pub name: String,
    /// The format as it was asked for, `auto` included.
    pub format: String,
    /// The options as they were given.
    pub options: Json,
    /// How far it is.
    pub status: DatasetStatus,
    /// The bytes that are attached; pinned once the status has left `awaiting_upload`.
    pub upload: Option<Upload>,
    /// What the client says that the SHA-256 of the pinned bytes must be, where that was not known when they were pinned.
    pub expected_sha256: Option<String>,
    /// When its last upload began or ended; `None` where nothing was seen of any.
    pub upload_seen_at: Option<Instant>,
    /// What the ingest found; there when `ready`.
    pub content: Option<DatasetContent>,
    /// Why it was rejected; there when `rejected`.
    pub failure: Option<Failure>,
    /// When it was made.
    pub created_at: Instant,
}

impl DatasetRecord {
    /// When it stops to await its upload, if nothing is seen of that any more.
    #[must_use]
    pub fn upload_expires_at(&self) -> Instant {
        let patience = i64::try_from(UPLOAD_PATIENCE.as_micros()).unwrap_or(i64::MAX);
        let seen = self.upload_seen_at.unwrap_or(self.created_at);
        Instant::from_micros(seen.micros().saturating_add(patience))
    }
}

/// Bytes in the object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The object's name.
    pub object: String,
    /// SHA-256 of the bytes, 64 lower-case hex digits; `None` where a client sent them to a signed address, until they are read.
    pub sha256: Option<String>,
    /// How many bytes.
    pub bytes: u64,
    /// The tag by which they are pinned, where the client wrote the object itself.
    pub etag: Option<String>,
}

impl Upload {
    /// Bytes that this service wrote and hashed itself.
    #[must_use]
    pub fn hashed(object: String, sha256: String, bytes: u64) -> Self {
        Self { object, sha256: Some(sha256), bytes, etag: None }
    }
}

/// What an ingest found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetContent {
    /// The object that holds the columns.
    pub object: String,
    /// Accepted rows.
    pub rows: u64,
    /// Rows with structural faults.
    pub rejected: u64,
    /// Some of the rejected rows: line and reason.
    pub rejected_samples: Json,
    /// What each column holds.
    pub columns: Json,
    /// How the file was read, and why.
    pub dialect: Json,
}

/// A dataset to be made.
#[derive(Debug, Clone)]
pub struct NewDataset {
    /// The id.
    pub id: DatasetId,
    /// The name that people gave it.
    pub name: String,
    /// The format as it was asked for.
    pub format: String,
    /// The options as they were given.
    pub options: Json,
}

/// How an ingest ended.
#[derive(Debug, Clone)]
pub enum IngestResult {
    /// The file is a table.
    Ready(DatasetContent),
    /// The file cannot be read, for this reason.
    Rejected(Failure),
}

/// What attaching an upload changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The object that was attached before. Nothing refers to it any more: it may be deleted.
    pub replaced: Option<String>,
}

/// Which page of the datasets is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetSeek {
    /// Only older ones than this; from the newest where `None`.
    pub before: Option<DatasetId>,
    /// How many it has at most, cut to [`DATASETS_PER_PAGE_MAX`].
    pub limit: u32,
}

/// A page of datasets, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetPage {
    /// The datasets.
    pub items: Vec<DatasetRecord>,
    /// Whether older ones follow.
    pub more: bool,
}

/// The table of datasets.
#[derive(Clone)]
pub struct Datasets {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
}
