//! Jobs of workers, and their leases.

use std::fmt;
use std::time::Duration;

use recon_domain::{DatasetId, Instant, JobId, ReconciliationId, WorkspaceId};

use crate::database::Database;
use crate::words::words;
use crate::{Clock, Error};

/// How long a lease holds after it was taken or renewed.
pub const LEASE_DURATION: Duration = Duration::from_secs(60);
/// How often a worker renews its lease.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// How often a job may fail, or lose its worker, before it is given up.
pub const JOB_FAILURES_MAX: u32 = 5;
/// The longest wait before a failed job is tried again.
pub const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long a job waits after an attempt that found something away that the service stands on.
pub const POSTPONED_FOR: Duration = Duration::from_secs(15);
/// How old a job may be whose attempts are not counted for that reason: an outage of a night loses none, and none is tried
/// for ever.
pub const POSTPONED_UNTIL: Duration = Duration::from_hours(24);
/// The longest reason that is kept, in characters.
pub const REASON_CHARS_MAX: usize = 2000;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Reads the upload of a dataset.
    Ingest,
    /// Runs a reconciliation.
    Reconcile,
}
words!(JobKind { Ingest => "ingest", Reconcile => "reconcile" });

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// It waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// It came to its end, or what it is about did without it.
    Done,
    /// It failed too often.
    Dead,
}
words!(JobState { Queued => "queued", Running => "running", Done => "done", Dead => "dead" });

/// What a job is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A dataset to be ingested.
    Dataset(DatasetId),
    /// A reconciliation to be run.
    Reconciliation(ReconciliationId),
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRecord {
    /// The id.
    pub id: JobId,
    /// The workspace that owns its subject.
    pub workspace: WorkspaceId,
    /// What it is about.
    pub subject: Subject,
    /// How far it is.
    pub state: JobState,
    /// How often a worker took it.
    pub attempt: u32,
    /// How often an attempt failed or lost its worker.
    pub failures: u32,
    /// The number of failures at which it is given up.
    pub failures_max: u32,
    /// It is not taken before this.
    pub run_after: Instant,
    /// The worker that has it, or had it last.
    pub worker: Option<String>,
    /// When the present lease runs out.
    pub lease_until: Option<Instant>,
    /// When its worker was last heard of.
    pub heartbeat_at: Option<Instant>,
    /// Why it last failed.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Instant,
    /// When it came to its end.
    pub finished_at: Option<Instant>,
}

/// The right to write what a job is about, until somebody else takes the job. Every write shows it, and the write and the
/// check are one transaction.
#[derive(Debug, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// The workspace that owns its subject.
    pub workspace: WorkspaceId,
    /// What it is about.
    pub subject: Subject,
    /// Which attempt this is, from 1. No two leases of a job have the same.
    pub attempt: u32,
    /// Whether the worker before lost it: its lease ran out.
    pub is_takeover: bool,
    /// The secret that proves the lease.
    pub(crate) token: LeaseToken,
}

/// What the database compares.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaseToken(pub(crate) [u8; 16]);

/// The jobs that are not over, of every workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Those that wait for a worker, or for their next attempt.
    pub queued: JobsInState,
    /// Those that a worker has.
    pub running: JobsInState,
}

/// The jobs in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JobsInState {
    /// How many there are.
    pub jobs: u64,
    /// For how long the one is due that was due first, by the clock by which jobs are due; zero without any.
    pub oldest_age: Duration,
}

/// What became of the jobs of a process that was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted {
    /// How many will be tried again.
    pub again: usize,
    /// How many were cut off too often; their subjects are failed or rejected.
    pub given_up: usize,
}

/// What became of a job that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// It will be tried again.
    Retried {
        /// Not before this.
        run_after: Instant,
    },
    /// It failed too often; its subject is failed or rejected.
    Dead,
}

/// The table of jobs.
#[derive(Clone)]
pub struct Jobs {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
}

impl Subject {
    /// The kind of the job.
    #[must_use]
    pub const fn kind(self) -> JobKind {
        match self {
            Self::Dataset(_) => JobKind::Ingest,
            Self::Reconciliation(_) => JobKind::Reconcile,
        }
    }
}

impl Lease {
    /// The kind of the job.
    #[must_use]
    pub const fn kind(&self) -> JobKind {
        self.subject.kind()
    }

    pub(crate) fn lost(&self) -> Error {
        Error::LeaseLost { job: self.job, attempt: self.attempt }
    }

    /// The dataset that this lease lets its holder write.
    pub(crate) fn dataset(&self) -> Result<DatasetId, Error> {
        match self.subject {
            Subject::Dataset(id) => Ok(id),
            Subject::Reconciliation(_) => Err(self.lost()),
        }
    }

    /// The reconciliation that this lease lets its holder write.
    pub(crate) fn reconciliation(&self) -> Result<ReconciliationId, Error> {
        match self.subject {
            Subject::Reconciliation(id) => Ok(id),
            Subject::Dataset(_) => Err(self.lost()),
        }
    }
}

impl fmt::Debug for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeaseToken(…)")
    }
}
