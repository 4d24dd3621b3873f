//! Reconciliations: two datasets and a rule set, executed once.

use recon_domain::{DatasetId, Instant, ReconciliationId, WorkspaceId};

use crate::database::Database;
use crate::words::words;
use crate::{Clock, Json};

/// The most reconciliations of one page.
pub const RECONCILIATIONS_PER_PAGE_MAX: u32 = 500;

/// How far a reconciliation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReconciliationStatus {
    /// Its job waits for a worker.
    Queued,
    /// A worker has its job.
    Running,
    /// Its result is published and never changes.
    Succeeded,
    /// It cannot be run; the failure says why.
    Failed,
    /// A person stopped it.
    Cancelled,
}
words!(ReconciliationStatus {
    Queued => "queued",
    Running => "running",
    Succeeded => "succeeded",
    Failed => "failed",
    Cancelled => "cancelled",
});

impl ReconciliationStatus {
    /// Whether it stays as it is.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }
}

/// What a run is doing, in the order in which it does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Nothing yet.
    Queued,
    /// Reads rows.
    Reading,
    /// Looks for matches.
    Matching,
    /// Explains what is left over.
    Classifying,
    /// Writes the result.
    Writing,
    /// Nothing any more.
    Done,
}
words!(Phase {
    Queued => "queued",
    Reading => "reading",
    Matching => "matching",
    Classifying => "classifying",
    Writing => "writing",
    Done => "done",
});

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Units of this phase that are done.
    pub done: u64,
    /// Units of this phase.
    pub total: u64,
}

/// A reconciliation. Its rules, which may be long, are asked for by themselves: see [`Reconciliations::rules`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconciliationRecord {
    /// The id.
    pub id: ReconciliationId,
    /// The workspace that owns it.
    pub workspace: WorkspaceId,
    /// The name that people gave it.
    pub name: String,
    /// The left dataset.
    pub left: DatasetId,
    /// The right dataset.
    pub right: DatasetId,
    /// How far it is.
    pub status: ReconciliationStatus,
    /// How far its run is.
    pub progress: Progress,
    /// Its result; there when `succeeded`.
    pub published: Option<PublishedAttempt>,
    /// Why it failed; there when `failed`.
    pub failure: Option<Failure>,
    /// Goes up with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Instant,
    /// When a worker first took it.
    pub started_at: Option<Instant>,
    /// When it came to its end.
    pub finished_at: Option<Instant>,
}

/// A result, and the attempt that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedAttempt {
    /// The attempt whose breaks are the breaks.
    pub attempt: u32,
    /// The result.
    pub result: Published,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// What it amounts to.
    pub summary: Json,
    /// The digest.
    pub digest: String,
    /// The object that holds the matches.
    pub matches_object: String,
}

/// Why a dataset was rejected or a run failed, as clients are told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A stable code for programs.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

/// A reconciliation to be made.
#[derive(Debug, Clone)]
pub struct NewReconciliation {
    /// The id.
    pub id: ReconciliationId,
    /// The name that people gave it.
    pub name: String,
    /// The left dataset.
    pub left: DatasetId,
    /// The right dataset.
    pub right: DatasetId,
    /// The rules as they were given.
    pub rules: Json,
}

/// Which reconciliations a list shows, where a page of them begins, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconciliationSeek {
    /// Only of this status.
    pub status: Option<ReconciliationStatus>,
    /// Only older ones than this; from the newest where `None`.
    pub before: Option<ReconciliationId>,
    /// How many it has at most, cut to [`RECONCILIATIONS_PER_PAGE_MAX`].
    pub limit: u32,
}

/// A page of reconciliations, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconciliationPage {
    /// The reconciliations.
    pub items: Vec<ReconciliationRecord>,
    /// Whether older ones follow.
    pub more: bool,
}

/// The table of reconciliations.
#[derive(Clone)]
pub struct Reconciliations {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
}
