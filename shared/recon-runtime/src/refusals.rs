//! Which problem each error of the libraries below is: the one place that decides.

use recon_contract::{Code, Problem};
use recon_store::{DatasetStatus, Error, ObjectError};

use crate::Refusal;

/// Seconds after which a store that did not answer may be asked again.
const RETRY_SECONDS: u32 = 2;
/// Seconds after which a dataset that is being read may be ready.
const INGEST_SECONDS: u32 = 1;

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Unavailable { .. } => {
                let problem = Problem::new(Code::Unavailable, "the database does not answer")
                    .retry_after(RETRY_SECONDS);
                Self::failed(problem, error)
            }
            // Methods that are guarded answer it as an outcome.
            Error::InFlight { retry_after } => {
                let seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX).max(1);
                Problem::new(Code::IdempotencyKeyInProgress, detail).retry_after(seconds).into()
            }
            Error::DatasetNotFound { .. } => Self::new(Code::NotFound, detail),
            Error::DatasetNotReady { status: DatasetStatus::Ingesting, .. } => {
                Problem::new(Code::DatasetNotReady, detail).retry_after(INGEST_SECONDS).into()
            }
            // The others get no further by themselves.
            Error::DatasetNotReady { .. } => Self::new(Code::DatasetNotReady, detail),
            Error::DatasetInUse { .. } => Self::new(Code::DatasetInUse, detail),
            Error::UploadClosed { .. } => Self::new(Code::DatasetSealed, detail),
            Error::NoUpload { .. } => Self::new(Code::ContentMissing, detail),
            Error::ShaMismatch { .. } => Self::new(Code::ChecksumMismatch, detail),
            Error::ReconciliationFinished { .. } => Self::new(Code::AlreadyFinished, detail),
            Error::ReconciliationUnfinished { .. } => Self::new(Code::ReconciliationRunning, detail),
            Error::SchemaNewer { .. } => Self::failed(Problem::new(Code::IncompatibleSchema, detail), error),
            Error::Database { .. }
            | Error::Panicked { .. }
            | Error::Unreadable { .. }
            | Error::Document(_)
            | Error::Idempotency(_)
            | Error::TooLarge { .. }
            | Error::EmailTaken
            | Error::LeaseLost { .. }
            | Error::Torn { .. }
            | Error::Migration(_) => Self::internal(error),
        }
    }
}

impl From<ObjectError> for Refusal {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Interrupted { name, source } => match source.downcast::<Self>() {
                Ok(refusal) => *refusal,
                Err(source) => Self::internal(ObjectError::Interrupted { name, source }),
            },
            ObjectError::TooLarge { bytes_max } => crate::gate::too_large(bytes_max),
            ObjectError::Unavailable { .. } => {
                let problem = Problem::new(Code::Unavailable, "the object store does not answer")
                    .retry_after(RETRY_SECONDS);
                Self::failed(problem, error)
            }
            ObjectError::NotFound { .. } | ObjectError::MalformedName => Self::internal(error),
        }
    }
}

impl From<recon_session::Error> for Refusal {
    fn from(error: recon_session::Error) -> Self {
        match error {
            recon_session::Error::Unavailable(_) => {
                let problem = Problem::new(Code::Unavailable, "the session store does not answer");
                Self::failed(problem.retry_after(RETRY_SECONDS), error)
            }
            recon_session::Error::Gone => Self::new(Code::Unauthenticated, error.to_string()),
            error => Self::internal(error),
        }
    }
}

impl From<recon_session::password::Error> for Refusal {
    fn from(error: recon_session::password::Error) -> Self {
        Self::internal(error)
    }
}
