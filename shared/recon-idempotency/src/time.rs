//! Points in time on the clock of the store.

use std::time::Duration;

/// A point in time on the clock of the store that keeps the record, in microseconds since
/// 1970-01-01T00:00:00Z. A process's own clock never decides whether a lease has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreTime(i64);

impl StoreTime {
    /// The point in time with this number.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This point in time and a duration. What lies beyond the calendar stays at its end.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// How long it takes from `earlier` to this point; nothing if it has passed already.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

/// RFC 3339, in UTC.
#[cfg(feature = "axum")]
impl std::fmt::Display for StoreTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX);
        time.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_and_never_overflow() {
        let start = StoreTime::from_micros(1_000);
        assert_eq!(start.plus(Duration::from_secs(2)).micros(), 2_001_000);
        assert_eq!(start.plus(Duration::from_millis(2)).micros(), 3_000);
        assert_eq!(start.plus(Duration::MAX), StoreTime::from_micros(i64::MAX));
        assert_eq!(start.plus(Duration::from_secs(2)).since(start), Duration::from_secs(2));
        assert_eq!(start.since(start.plus(Duration::from_secs(2))), Duration::ZERO);
    }
}
