//! What a handler gives to a store, and what it gets back.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::fingerprint::normalised_path;
use crate::{Fingerprint, Held, IdempotencyKey, RecordId, Request, Scope, StoreTime, StoredResponse};

/// How long an answer is kept when nothing else is said.
pub const RETENTION_DEFAULT: Duration = Duration::from_hours(24);

/// A request with its key, whose answer nobody knows how to render yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// Who asks.
    pub scope: Scope,
    /// The key.
    pub key: IdempotencyKey,
    /// What is asked.
    pub fingerprint: Fingerprint,
    /// The method, for those who look their key up.
    pub method: String,
    /// The normalised path, likewise.
    pub path: String,
    /// How long the answer is kept.
    pub retention: Duration,
    /// Until when to wait for somebody else who has the key, before it is said to be in progress.
    pub wait_until: Option<Instant>,
}

impl Unanswered {
    /// A request with its key.
    #[must_use]
    pub fn new(scope: Scope, key: IdempotencyKey, request: &Request<'_>, retention: Duration) -> Self {
        Self {
            scope,
            key,
            fingerprint: Fingerprint::of(request),
            method: request.method.to_ascii_uppercase(),
            path: normalised_path(request.path),
            retention,
            wait_until: None,
        }
    }

    /// With a client that is ready to wait, from now on: [`preferred_wait`](crate::preferred_wait). A store says at once who has a
    /// key; [`work::run`](crate::work::run), or whoever has the transaction, asks again until then.
    #[must_use]
    pub fn waiting(self, wait: Duration) -> Self {
        let until = if wait.is_zero() { None } else { Instant::now().checked_add(wait) };
        Self { wait_until: until, ..self }
    }

    /// How long the client is still ready to wait.
    #[must_use]
    pub fn time_to_wait(&self) -> Duration {
        self.wait_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// The id of the record.
    #[must_use]
    pub fn record_id(&self) -> RecordId {
        RecordId::of(&self.scope, &self.key)
    }

    /// Adds how the answer is rendered from what the work gives. The store calls `render` inside its transaction.
    #[must_use]
    pub fn answering<T>(self, render: impl Fn(&T) -> StoredResponse + Send + Sync + 'static) -> Guard<T> {
        Guard { request: self, render: Arc::new(render) }
    }
}

/// A request that is safe to repeat: its key, what it asks, and how its answer is rendered.
pub struct Guard<T> {
    request: Unanswered,
    render: Arc<dyn Fn(&T) -> StoredResponse + Send + Sync>,
}

impl<T> Guard<T> {
    /// The request with its key.
    #[must_use]
    pub const fn request(&self) -> &Unanswered {
        &self.request
    }

    /// The answer for this value.
    #[must_use]
    pub fn render(&self, value: &T) -> StoredResponse {
        (self.render)(value)
    }
}

impl<T> Clone for Guard<T> {
    fn clone(&self) -> Self {
        Self { request: self.request.clone(), render: Arc::clone(&self.render) }
    }
}

impl<T> fmt::Debug for Guard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("request", &self.request).finish_non_exhaustive()
    }
}

/// What became of a guarded request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum ClaimOutcome<T> {
    /// It ran now.
    Fresh {
        /// What the work gave.
        value: T,
        /// The answer as it was stored.
        response: StoredResponse,
    },
    /// It ran before.
    Replay {
        /// The answer it got then.
        response: StoredResponse,
        /// When that answer is forgotten.
        expires_at: StoreTime,
    },
    /// It is running elsewhere.
    InFlight {
        /// How long to wait before asking again: at least a second, at most five.
        retry_after: Duration,
    },
    /// The key belongs to another request.
    Mismatch,
}

impl<T> ClaimOutcome<T> {
    /// The outcome with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> ClaimOutcome<U> {
        match self {
            Self::Fresh { value, response } => ClaimOutcome::Fresh { value: change(value), response },
            Self::Replay { response, expires_at } => ClaimOutcome::Replay { response, expires_at },
            Self::InFlight { retry_after } => ClaimOutcome::InFlight { retry_after },
            Self::Mismatch => ClaimOutcome::Mismatch,
        }
    }
}

impl<T> From<Held> for ClaimOutcome<T> {
    fn from(held: Held) -> Self {
        match held {
            Held::Replay { response, expires_at } => Self::Replay { response, expires_at },
            Held::InFlight { retry_after } => Self::InFlight { retry_after },
            Held::Mismatch => Self::Mismatch,
        }
    }
}
