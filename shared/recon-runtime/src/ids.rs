//! New ids, as something that is handed in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};

use crate::Clock;

/// Makes ids (UUIDv7): the clock's milliseconds, then randomness from the operating system.
#[derive(Debug, Clone)]
pub struct Ids(Source);

#[derive(Debug, Clone)]
enum Source {
    Random(Clock),
    Counted(Arc<AtomicU64>),
}

impl Ids {
    /// Ids that nobody can foresee.
    #[must_use]
    pub const fn random(clock: Clock) -> Self {
        Self(Source::Random(clock))
    }

    /// Ids that count up from 1, so that tests can foresee them.
    #[must_use]
    pub fn counted() -> Self {
        Self(Source::Counted(Arc::default()))
    }

    /// A new id.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn next(&self) -> Result<Uuid, getrandom::Error> {
        match &self.0 {
            Source::Random(clock) => {
                let mut random = [0; 10];
                getrandom::fill(&mut random)?;
                let millis = u64::try_from(clock.now().micros() / 1000).unwrap_or(0);
                Ok(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }
            Source::Counted(count) => {
                let number = count.fetch_add(1, Ordering::Relaxed) + 1;
                let mut random = [0; 10];
                random[2..].copy_from_slice(&number.to_be_bytes());
                Ok(Builder::from_unix_timestamp_millis(0, &random).into_uuid())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use recon_domain::Instant;

    use super::*;

    #[test]
    fn random_ids_carry_the_clocks_time_and_differ() {
        let ids = Ids::random(Clock::held_at(Instant::from_micros(1_700_000_000_000_000)));
        let (one, two) = (ids.next().unwrap(), ids.next().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.get_version_num(), 7);
        assert!(one.to_string().starts_with("018bcfe5-6800-7"), "{one}");
    }

    #[test]
    fn counted_ids_can_be_foreseen() {
        let ids = Ids::counted();
        assert_eq!(ids.next().unwrap().to_string(), "00000000-0000-7000-8000-000000000001");
        assert_eq!(ids.clone().next().unwrap().to_string(), "00000000-0000-7000-8000-000000000002");
    }
}
