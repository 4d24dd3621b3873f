//! Idempotency keys as clients see them.

use recon_contract::{KeyState, KeyUse};
use recon_domain::Instant;
use recon_idempotency::{Entry, EntryState};

/// What became of a key.
#[must_use]
pub fn key_use(entry: &Entry) -> KeyUse {
    let (state, status) = match entry.state {
        EntryState::InProgress => (KeyState::InProgress, None),
        EntryState::Completed { status } => (KeyState::Completed, Some(status)),
    };
    KeyUse {
        state,
        method: entry.method.clone(),
        path: entry.path.clone(),
        status,
        expires_at: Instant::from_micros(entry.expires_at.micros()),
    }
}
