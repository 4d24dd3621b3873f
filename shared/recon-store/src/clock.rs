//! The store's clock and its randomness.

use std::sync::Arc;
use std::time::SystemTime;

use recon_domain::Instant;
use uuid::Uuid;

use crate::Error;

/// The clock by which rows are dated. Leases run out by it too, unless it is the host's and other hosts share the database:
/// then by the database's own.
#[derive(Clone)]
pub struct Clock {
    read: Arc<dyn Fn() -> Instant + Send + Sync>,
    #[cfg(feature = "cluster")]
    is_hosts: bool,
}

impl Clock {
    /// The host's clock.
    #[must_use]
    pub fn system() -> Self {
        let read = || {
            #[expect(clippy::disallowed_methods, reason = "this is the store's clock, which tests replace")]
            let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            Instant::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
        };
        Self {
            #[cfg(feature = "cluster")]
            is_hosts: true,
            ..Self::from_fn(read)
        }
    }

    /// A clock that reads another one.
    #[must_use]
    pub fn from_fn(read: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self {
            read: Arc::new(read),
            #[cfg(feature = "cluster")]
            is_hosts: false,
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        (self.read)()
    }

    /// Whether it is the host's, which other hosts may not agree with.
    #[cfg(feature = "cluster")]
    pub(crate) const fn is_hosts(&self) -> bool {
        self.is_hosts
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
