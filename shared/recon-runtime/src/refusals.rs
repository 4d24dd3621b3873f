//! Which problem each error of the libraries below is: the one place that decides.

use recon_contract::{Code, Problem};
use recon_store::{DatasetStatus, Error, ObjectError, Store, Trouble};

use crate::Refusal;

/// Seconds after which a store that did not answer may be asked again.
const RETRY_SECONDS: u32 = 2;
/// Seconds after which a dataset that is being read may be ready.
const INGEST_SECONDS: u32 = 1;

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            // The objects were asked whose they are.
            Error::Unavailable { doing: Store::TIE_OBJECTS, source } => {
                match source.downcast::<ObjectError>() {
                    Ok(error) => (*error).into(),
                    Err(source) => Self::internal(Error::Unavailable { doing: Store::TIE_OBJECTS, source }),
                }
            }
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
            ObjectError::Unavailable { trouble, .. } => {
                let problem = Problem::new(Code::Unavailable, in_the_way(trouble)).retry_after(RETRY_SECONDS);
                Self::failed(problem, error)
            }
            ObjectError::NotFound { .. } | ObjectError::Changed { .. } | ObjectError::MalformedName => {
                Self::internal(error)
            }
        }
    }
}

/// What a client is told of an object store that cannot be used. The rest is for the log.
const fn in_the_way(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Silent => "the object store does not answer",
        Trouble::Denied => {
            "the object store refuses this service's credentials; its operators have to mend that"
        }
        Trouble::NoBucket => {
            "the object store has no bucket for this service; its operators have to mend that"
        }
        Trouble::Disk => "objects cannot be read or written: the disk fails or is full",
        Trouble::Faulty => "the object store fails",
        Trouble::Busy => "too many objects are being read or written at once",
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
