//! Why a store did not do what it was asked.

use std::time::Duration;

use crate::Unstorable;
#[cfg(any(feature = "embedded", feature = "postgres", feature = "aws"))]
use crate::transition::RETRY_AFTER_MIN;

/// Why a verb failed. A caller with an open transaction has to roll it back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database failed. A failed serialisation (SQLSTATE `40001`, `40P01`) is among this: the whole transaction may run again.
    #[cfg(any(feature = "embedded", feature = "postgres"))]
    #[error("the idempotency record could not be read or written")]
    Database(#[source] sqlx::Error),
    /// Another transaction held the key for longer than this one's `lock_timeout`: after the rollback the request is
    /// answered as one whose key is in progress.
    #[error("the idempotency key is being claimed by another transaction")]
    InFlight {
        /// How long to wait before asking again.
        retry_after: Duration,
    },
    /// The store could not be asked, or did not answer in time: nothing may run.
    #[error("the store of idempotency records does not answer")]
    Unavailable {
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server throws keys away when its memory is full: no claim is safe there.
    #[cfg(feature = "redis")]
    #[error("the server's maxmemory-policy is {policy}, not noeviction: it may forget idempotency records")]
    Evicting {
        /// Its `maxmemory-policy`.
        policy: String,
    },
    /// The table is not one that records can be kept in.
    #[cfg(feature = "aws")]
    #[error("the table {table} cannot hold idempotency records: {reason}")]
    UnfitTable {
        /// Its name.
        table: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The answer must not be kept.
    #[error(transparent)]
    Unstorable(#[from] Unstorable),
    /// A record holds what no version of this library writes.
    #[error("the idempotency record has an unreadable {column}")]
    Corrupt {
        /// The column.
        column: &'static str,
    },
    /// The record changed between reading and writing: another statement of the same transaction wrote it, or the
    /// transaction was opened in a way that the store does not allow.
    #[error("the idempotency record changed inside the transaction")]
    Raced,
    /// The operating system gave no random numbers.
    #[error("no random numbers for an idempotency record")]
    Random(#[from] getrandom::Error),
}

#[cfg(any(feature = "embedded", feature = "postgres", feature = "aws"))]
impl Error {
    /// Somebody else holds the key, nobody knows for how long.
    pub(crate) const IN_FLIGHT: Self = Self::InFlight { retry_after: RETRY_AFTER_MIN };
}

/// What PostgreSQL says when a lock was not there within `lock_timeout`.
#[cfg(any(feature = "embedded", feature = "postgres"))]
const LOCK_NOT_AVAILABLE: &str = "55P03";

#[cfg(any(feature = "embedded", feature = "postgres"))]
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            Some(LOCK_NOT_AVAILABLE) => Self::IN_FLIGHT,
            _ => Self::Database(error),
        }
    }
}
