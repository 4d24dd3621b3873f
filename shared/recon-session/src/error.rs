//! Why a verb failed.

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is a session with this id or token already.
    #[error("the session exists already")]
    Exists,
    /// The session is missing, expired or revoked: the caller is not signed in any more.
    #[error("the session is gone")]
    Gone,
    /// Somebody else wrote the attributes since the record was loaded.
    #[error("the session changed since it was loaded")]
    Stale,
    /// The attributes would be longer than [`crate::ATTRIBUTES_BYTES_MAX`].
    #[error("session attributes of {bytes} bytes are too long, {} are allowed", crate::ATTRIBUTES_BYTES_MAX)]
    AttributesTooLong {
        /// Their length as JSON.
        bytes: usize,
    },
    /// The store did not answer. Nothing is known about the session: the caller must not be let in.
    #[error("the session store failed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store holds what no version of this library writes.
    #[error("the session record has an unreadable {column}")]
    Corrupt {
        /// The column.
        column: &'static str,
    },
    /// The operating system gave no random numbers.
    #[error("no random numbers for a session token")]
    Random(#[from] getrandom::Error),
}
