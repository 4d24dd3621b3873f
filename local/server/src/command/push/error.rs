//! Calls that came to nothing.

/// A call that came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The server refuses it, and repeating would not change that.
    #[error("{call}: {words}{hint}")]
    Refused {
        /// Method and path.
        call: String,
        /// The status.
        status: u16,
        /// The problem's code; empty where the answer was no problem document.
        code: String,
        /// What the server said.
        words: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// It was repeated for as long as is reasonable.
    #[error("{call}: {words}; given up after {seconds} s")]
    GivenUp {
        /// Method and path.
        call: String,
        /// What came in the way last.
        words: String,
        /// For how long it was repeated.
        seconds: u64,
    },
    /// The way to the server is broken, and not for the moment only.
    #[error("{call}")]
    Broken {
        /// Method and path.
        call: String,
        /// What is broken.
        #[source]
        source: ureq::Error,
    },
    /// An answer that is not what the contract says.
    #[error("{call}: the answer is not what this version of recon understands")]
    NotUnderstood {
        /// Method and path.
        call: String,
        /// What was not understood.
        #[source]
        source: serde_json::Error,
    },
    /// A local file fails.
    #[error("{0}")]
    Local(String),
}

impl Error {
    /// Whether the same request will be refused again, whoever sends it and whenever. What depends on who asks or on the
    /// state of the server may go well later; and what the server failed at may have had its effect.
    pub(super) const fn is_final(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 400 | 404 | 405 | 413 | 415 | 422),
            Self::GivenUp { .. } | Self::Broken { .. } | Self::NotUnderstood { .. } | Self::Local(_) => false,
        }
    }

    /// Whether the server refused with this status.
    pub(super) const fn has_status(&self, wanted: u16) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == wanted)
    }

    /// Whether the server refused with this code.
    pub(super) fn has_code(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }
}
