//! The two clocks of a session.

use std::time::Duration;

use recon_domain::Instant;

use crate::SessionRecord;
use crate::backend::Moment;

/// How long a session lives without a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleTimeout(Duration);

/// How long a session lives after its user proved who they are, however busy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbsoluteLifetime(Duration);

/// The two clocks together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifetimes {
    idle: IdleTimeout,
    absolute: AbsoluteLifetime,
}

/// The clocks make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an idle timeout of {idle:?} and a lifetime of {absolute:?} are refused: one second <= idle <= lifetime"
)]
pub struct LifetimeError {
    idle: Duration,
    absolute: Duration,
}

impl IdleTimeout {
    /// A timeout of this length.
    #[must_use]
    pub const fn new(duration: Duration) -> Self {
        Self(duration)
    }
}

impl Default for IdleTimeout {
    /// Thirty minutes.
    fn default() -> Self {
        Self(Duration::from_mins(30))
    }
}

impl AbsoluteLifetime {
    /// A lifetime of this length.
    #[must_use]
    pub const fn new(duration: Duration) -> Self {
        Self(duration)
    }
}

impl Default for AbsoluteLifetime {
    /// Twelve hours.
    fn default() -> Self {
        Self(Duration::from_hours(12))
    }
}

impl Lifetimes {
    /// The two clocks.
    ///
    /// # Errors
    /// [`LifetimeError`] if the idle timeout is under a second or longer than the lifetime.
    pub fn new(idle: IdleTimeout, absolute: AbsoluteLifetime) -> Result<Self, LifetimeError> {
        if idle.0 < Duration::from_secs(1) || idle.0 > absolute.0 {
            return Err(LifetimeError { idle: idle.0, absolute: absolute.0 });
        }
        Ok(Self { idle, absolute })
    }

    /// When a session ends if no request comes any more: the earlier end of the two clocks.
    #[must_use]
    pub fn ends_at(&self, record: &SessionRecord) -> Instant {
        plus(record.last_seen_at, self.idle.0).min(record.expires_at)
    }

    /// Whether a session is alive by both clocks. At the very end of a clock it is not.
    #[must_use]
    pub fn is_alive(&self, record: &SessionRecord, now: Instant) -> bool {
        now < self.ends_at(record)
    }

    /// The end of the absolute clock for a user who proves at `now` who they are.
    pub(crate) fn expires_at(&self, now: Instant) -> Instant {
        plus(now, self.absolute.0)
    }

    /// Whether the last sight of the user is old enough to be written: more than a tenth of the idle window, so
    /// that a busy session costs no write on every request.
    pub(crate) fn is_touch_due(&self, record: &SessionRecord, now: Instant) -> bool {
        now > plus(record.last_seen_at, self.idle.0 / 10)
    }

    pub(crate) fn moment(&self, now: Instant) -> Moment {
        let seen_after = now.micros().saturating_sub(micros(self.idle.0));
        Moment { now, seen_after: Instant::from_micros(seen_after) }
    }
}

fn plus(instant: Instant, duration: Duration) -> Instant {
    Instant::from_micros(instant.micros().saturating_add(micros(duration)))
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_make_no_sense_are_refused() {
        let of = |idle, absolute| {
            let (idle, absolute) = (Duration::from_millis(idle), Duration::from_millis(absolute));
            Lifetimes::new(IdleTimeout::new(idle), AbsoluteLifetime::new(absolute)).is_ok()
        };
        assert!(of(1_000, 1_000));
        assert!(!of(999, 1_000));
        assert!(!of(0, 0));
        assert!(!of(2_001, 2_000));
        let default = Lifetimes::new(IdleTimeout::default(), AbsoluteLifetime::default());
        assert_eq!(default, Ok(Lifetimes::default()));
    }

    #[test]
    fn clocks_beyond_the_calendar_stay_at_its_end() {
        let forever = Duration::MAX;
        let lifetimes = Lifetimes::new(IdleTimeout::new(forever), AbsoluteLifetime::new(forever)).unwrap();
        assert_eq!(lifetimes.expires_at(Instant::from_micros(1)), Instant::from_micros(i64::MAX));
        let moment = lifetimes.moment(Instant::from_micros(-5));
        assert_eq!(moment.seen_after, Instant::from_micros(i64::MIN));
    }
}
