//! The store's clock and its randomness.

use std::sync::Arc;
use std::time::SystemTime;

use recon_domain::Instant;
use uuid::Uuid;

use crate::Error;

/// The clock by which leases run out and rows are dated. A database on another host has its own; SQLite's is this
/// host's, so the process reads it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Instant + Send + Sync>);

impl Clock {
    /// The host's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::from_fn(|| {
            #[expect(clippy::disallowed_methods, reason = "this is the store's clock, which tests replace")]
            let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            Instant::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
        })
    }

    /// A clock that reads another one.
    #[must_use]
    pub fn from_fn(read: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        (self.0)()
    }
}

/// An id that sorts by the time it was made (UUIDv7).
pub(crate) fn id_made_at(now: Instant) -> Result<Uuid, Error> {
    let millis = u64::try_from(now.micros() / 1000).unwrap_or_default();
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random()?).into_uuid())
}

/// Bytes that nobody can guess, from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|source| Error::Unavailable { doing: "randomness", source: source.into() })?;
    Ok(bytes)
}
