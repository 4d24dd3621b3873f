//! Time, as something that is handed in.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use recon_domain::Instant;

/// Tells the time. Clones share it, so that a test which moves a held clock moves it for everybody.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Held(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved.
    #[must_use]
    pub fn held_at(now: Instant) -> Self {
        Self(Source::Held(Arc::new(AtomicI64::new(now.micros()))))
    }

    /// Now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::System => Instant::from_micros(jiff::Timestamp::now().as_microsecond()),
            Source::Held(micros) => Instant::from_micros(micros.load(Ordering::Relaxed)),
        }
    }

    /// Moves a held clock forward. The machine's clock takes no orders.
    pub fn advance(&self, by: std::time::Duration) {
        if let Source::Held(micros) = &self.0 {
            micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock(system)",
            Source::Held(_) => "Clock(held)",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_held_clock_moves_for_all_its_clones_and_only_when_told() {
        let clock = Clock::held_at(Instant::from_micros(0));
        let clone = clock.clone();
        assert_eq!(clone.now(), Instant::from_micros(0));
        clock.advance(Duration::from_secs(90));
        assert_eq!(clone.now().to_string(), "1970-01-01T00:01:30Z");
    }
}
