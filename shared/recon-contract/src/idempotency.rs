//! What became of a key.

use recon_domain::Instant;
use serde::{Deserialize, Serialize};

use crate::text;
use crate::words::words;

words! { "key state",
    /// How far the request of a key got.
    KeyState {
        /// It is being executed, or was cut off, and the same request may run again before long.
        InProgress => "in_progress",
        /// It was answered, and the same request gets the same answer.
        Completed => "completed",
    }
}

/// What became of one of the caller's idempotency keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyUse {
    /// How far the request got.
    #[serde(with = "text")]
    pub state: KeyState,
    /// The method of the request that the key belongs to.
    pub method: String,
    /// Its path.
    pub path: String,
    /// The status that it was answered with; null while it is in progress.
    pub status: Option<u16>,
    /// When the key is forgotten. From then on it is a new one.
    #[serde(with = "text::instant")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Instant,
}
