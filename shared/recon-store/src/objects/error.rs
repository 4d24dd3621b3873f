//! What an object method may answer besides its value.

use std::fmt;

/// A failed object method.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The object store cannot be used now. What was to be written is not there, or is nobody's.
    #[error("object store unavailable: {doing} {name}: {trouble}")]
    Unavailable {
        /// The method.
        doing: &'static str,
        /// The object.
        name: String,
        /// What is in the way.
        trouble: Trouble,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no such object.
    #[error("object {name} not found")]
    NotFound {
        /// The object.
        name: String,
    },
    /// The object is there, and holds other bytes than those that were pinned.
    #[error("object {name} was changed after it was pinned")]
    Changed {
        /// The object.
        name: String,
    },
    /// The bytes are more than the limit. Nothing was kept.
    #[error("more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// The sender stopped before the end. Nothing was kept.
    #[error("stream of {name} broke off")]
    Interrupted {
        /// The object.
        name: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The name is none that an object can have.
    #[error("malformed object name")]
    MalformedName,
}

/// What is in the way of an object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached, or does not answer in time.
    Silent,
    /// It does not take the credentials, or they do not allow this.
    Denied,
    /// It has no bucket of this name.
    NoBucket,
    /// A file of this host cannot be read or written.
    Disk,
    /// It answers with something else than what was asked for.
    Faulty,
    /// This process reads or writes as much of it as it may at once.
    Busy,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "it does not answer",
            Self::Denied => "it refuses the credentials of this service",
            Self::NoBucket => "it has no bucket of this name",
            Self::Disk => "the disk of this host fails",
            Self::Faulty => "it fails",
            Self::Busy => "too much of it is being read or written at once",
        })
    }
}

/// A fault of a local file.
pub(super) fn disk(doing: &'static str, name: &str, source: std::io::Error) -> ObjectError {
    let trouble = Trouble::Disk;
    ObjectError::Unavailable { doing, name: name.to_owned(), trouble, source: source.into() }
}
