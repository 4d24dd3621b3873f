#![doc = include_str!("../README.md")]

mod breaks;
mod clock;
mod config;
mod database;
mod dataset;
mod error;
mod installation;
mod job;
mod json;
mod keys;
mod leftovers;
pub mod object_name;
mod objects;
mod pool;
#[cfg(feature = "cluster")]
mod postgres;
mod reconciliation;
mod row;
mod schema;
mod sql;
#[cfg(feature = "embedded")]
mod sqlite;
mod store;
mod sweep;
mod tables;
mod user;
mod words;
mod workspace;

pub use breaks::{
    BREAK_BATCH_BYTES, BREAK_PAGE_BYTES, BREAKS_PER_BATCH_MAX, BREAKS_PER_PAGE_MAX, BreakBatches,
    BreakFilter, BreakPage, BreakPlace, BreakRecord, BreakSeek, Breaks, NewBreak,
};
pub use clock::Clock;
pub use config::{
    AWS_VARIABLES, ConfigError, DATABASE_URL, DatabaseUrl, OBJECT_PUBLIC_URL, OBJECT_URL, ObjectAccess,
    ObjectUrl, POOL_CONNECTIONS_DEFAULT, POOL_CONNECTIONS_MAX, PublicUrl, StoreConfig,
};
#[cfg(feature = "cluster")]
pub use config::{BucketUrl, PostgresUrl};
pub use dataset::{
    Attached, DATASETS_PER_PAGE_MAX, DatasetContent, DatasetPage, DatasetRecord, DatasetSeek, DatasetStatus,
    Datasets, IngestResult, NewDataset, UPLOAD_PATIENCE, Upload,
};
pub use error::Error;
pub use installation::Tie;
pub use job::{
    BACKOFF_MAX, Backlog, Failed, HEARTBEAT_INTERVAL, Interrupted, JOB_FAILURES_MAX, JobKind, JobRecord,
    JobState, Jobs, JobsInState, LEASE_DURATION, Lease, POSTPONED_FOR, POSTPONED_UNTIL, REASON_CHARS_MAX,
    Subject,
};
pub use json::Json;
pub use keys::Keys;
pub use leftovers::{Leftovers, LeftoversError, Removed};
pub use objects::{
    DOWNLOAD_LIFETIME, ObjectEntry, ObjectError, ObjectReader, Objects, Opening, SignedUpload, Taken,
    Trouble, UPLOAD_LIFETIME, Written,
};
pub use pool::{POOL_WAIT_TIMEOUTS, Pool};
pub use reconciliation::{
    Failure, NewReconciliation, Phase, Progress, Published, PublishedAttempt, RECONCILIATIONS_PER_PAGE_MAX,
    ReconciliationPage, ReconciliationRecord, ReconciliationSeek, ReconciliationStatus, Reconciliations,
};
pub use store::{Migrated, Schema, Store};
pub use sweep::{SWEEP_BATCH, SWEEP_LOOK_MAX, Sweep, SweepError, Sweeping};
pub use user::{Credentials, EMAIL_BYTES_MAX, Email, NewUser, NotAnEmail, Profile, UserRecord, Users};
pub use words::UnknownWord;
pub use workspace::{
    NotAWorkspaceName, WORKSPACE_NAME_BYTES_MAX, WorkspaceName, WorkspaceRecord, Workspaces,
};
