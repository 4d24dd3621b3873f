//! What a store method may answer besides its value.

use std::time::Duration;

use recon_domain::{DatasetId, JobId, ReconciliationId, Side};

use crate::{DatasetStatus, ReconciliationStatus};

/// A failed store method. A row that is not there, or belongs to another workspace, is `None` instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, is busy beyond the limits, or its disk fails. Trying again may help.
    #[error("database unavailable: {doing}")]
    Unavailable {
        /// The method.
        doing: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database refused a statement: a defect here, or a file that another program changed.
    #[error("database refused: {doing}")]
    Database {
        /// The method.
        doing: &'static str,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// A transaction panicked: a defect here. Nothing of it was kept.
    #[error("transaction panicked: {doing}")]
    Panicked {
        /// The method.
        doing: &'static str,
        /// The panic.
        #[source]
        source: tokio::task::JoinError,
    },
    /// A row holds what this version cannot read.
    #[error("unreadable {column}: {found}")]
    Unreadable {
        /// The table and column.
        column: &'static str,
        /// What stands there, shortened.
        found: String,
    },
    /// A JSON document has no JSON form or another shape than was asked for.
    #[error("document of another shape")]
    Document(#[source] serde_json::Error),
    /// The table of idempotency keys failed.
    #[error("idempotency key not claimed")]
    Idempotency(#[source] recon_idempotency::Error),
    /// A number is larger than the database holds.
    #[error("number too large for {column}")]
    TooLarge {
        /// The table and column.
        column: &'static str,
    },
    /// Somebody else has the key of a guarded method and is not done yet. Its callers get an outcome that says so.
    #[error("the key is in use")]
    InFlight {
        /// How long to wait before asking again.
        retry_after: Duration,
    },

    /// Another user of the installation has this email.
    #[error("email is taken")]
    EmailTaken,
    /// The dataset of this side does not exist in the workspace.
    #[error("{which} dataset {id} not found")]
    DatasetNotFound {
        /// The side.
        which: Side,
        /// Its dataset.
        id: DatasetId,
    },
    /// The dataset of this side cannot be reconciled yet, or never will be.
    #[error("{which} dataset {id} is {status}, not ready")]
    DatasetNotReady {
        /// The side.
        which: Side,
        /// Its dataset.
        id: DatasetId,
        /// What it is instead.
        status: DatasetStatus,
    },
    /// A reconciliation refers to the dataset, so it cannot be deleted.
    #[error("dataset {id} is used by a reconciliation")]
    DatasetInUse {
        /// The dataset.
        id: DatasetId,
    },
    /// The dataset takes no bytes any more: its upload was completed.
    #[error("dataset {id} is {status} and takes no upload")]
    UploadClosed {
        /// The dataset.
        id: DatasetId,
        /// What it is.
        status: DatasetStatus,
    },
    /// The upload cannot be completed: nothing was uploaded.
    #[error("dataset {id} has no upload to complete")]
    NoUpload {
        /// The dataset.
        id: DatasetId,
    },
    /// The upload is not what the client meant to send.
    #[error("upload of dataset {id} has sha256 {found}, not {expected}")]
    ShaMismatch {
        /// The dataset.
        id: DatasetId,
        /// What the client expects.
        expected: String,
        /// What was uploaded.
        found: String,
    },
    /// The reconciliation is at its end and cannot be stopped any more.
    #[error("reconciliation {id} is {status} already")]
    ReconciliationFinished {
        /// The reconciliation.
        id: ReconciliationId,
        /// How it ended.
        status: ReconciliationStatus,
    },
    /// The reconciliation is not at its end, and cannot be deleted before.
    #[error("reconciliation {id} is {status}")]
    ReconciliationUnfinished {
        /// The reconciliation.
        id: ReconciliationId,
        /// How far it is.
        status: ReconciliationStatus,
    },
    /// The lease is no longer held, or never covered this: nothing was written. Another worker may have the job.
    #[error("lease of job {job} attempt {attempt} is lost")]
    LeaseLost {
        /// The job.
        job: JobId,
        /// The attempt whose lease is lost.
        attempt: u32,
    },
    /// The schema is newer than this build: only a newer build may migrate it.
    #[error("schema version {found} is newer than this build's {known}")]
    SchemaNewer {
        /// The version found.
        found: u32,
        /// The version that this build brings.
        known: u32,
    },
    /// After a migration something would refer to what is not there. Nothing of it was kept.
    #[error("rows of {table} refer to what is not there")]
    Torn {
        /// The table.
        table: String,
    },
    /// A migration failed. Nothing of it was kept.
    #[error("migration failed")]
    Migration(#[source] sqlx::migrate::MigrateError),
}

impl Error {
    /// Names what was attempted and tells what may pass from what will not.
    pub(crate) fn doing(doing: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| {
            crate::pool::look_at(&source);
            match passes(&source) {
                true => Self::Unavailable { doing, source: source.into() },
                false => Self::Database { doing, source },
            }
        }
    }

    /// Whether running the same transaction again may succeed at once.
    pub(crate) fn is_busy(&self) -> bool {
        let Self::Unavailable { source, .. } = self else { return false };
        source.downcast_ref().is_some_and(is_busy)
    }
}

impl From<recon_idempotency::Error> for Error {
    fn from(error: recon_idempotency::Error) -> Self {
        match error {
            recon_idempotency::Error::Database(source) => Self::doing("idempotency_key")(source),
            recon_idempotency::Error::InFlight { retry_after } => Self::InFlight { retry_after },
            recon_idempotency::Error::Unavailable { source } => {
                Self::Unavailable { doing: "idempotency_key", source }
            }
            error => Self::Idempotency(error),
        }
    }
}

/// What a database's own code for an error means, asked of the one that said it.
fn code(
    error: &sqlx::Error,
    #[cfg(feature = "embedded")] sqlite: fn(&str) -> bool,
    #[cfg(feature = "cluster")] postgres: fn(&str) -> bool,
) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    let Some(code) = error.code() else { return false };
    #[cfg(feature = "cluster")]
    if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
        return postgres(&code);
    }
    #[cfg(feature = "embedded")]
    return sqlite(&code);
    #[cfg(not(feature = "embedded"))]
    false
}

fn is_busy(error: &sqlx::Error) -> bool {
    code(
        error,
        #[cfg(feature = "embedded")]
        crate::sqlite::is_busy,
        #[cfg(feature = "cluster")]
        crate::postgres::is_busy,
    )
}

fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(_) => code(
            error,
            #[cfg(feature = "embedded")]
            crate::sqlite::passes,
            #[cfg(feature = "cluster")]
            crate::postgres::passes,
        ),
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Tls(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_of_keys_that_does_not_answer_is_a_database_that_may_come_back() {
        let silent = recon_idempotency::Error::Unavailable { source: "silent".into() };
        assert!(matches!(Error::from(silent), Error::Unavailable { .. }));
    }
}
