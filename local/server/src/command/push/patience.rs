//! How long a call is repeated, and how long it waits before each repetition.

use std::time::{Duration, Instant};

/// How long a call is repeated that a server which has answered before does not answer now: a restart takes less.
const REPEAT_TIME_MAX: Duration = Duration::from_secs(120);
/// How long the first call is repeated: who has not been reached yet may not be there at all.
const FIRST_CONTACT_TIME_MAX: Duration = Duration::from_secs(8);
/// The pause before the first repetition; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// The longest pause that nobody asked for.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The patience that is left for one call.
pub(super) struct Patience {
    limit: Duration,
    pause: Duration,
    failing_since: Option<Instant>,
}

impl Patience {
    /// For a call to a server that has answered before, or not yet.
    pub(super) const fn new(has_answered: bool) -> Self {
        let limit = if has_answered { REPEAT_TIME_MAX } else { FIRST_CONTACT_TIME_MAX };
        Self { limit, pause: PAUSE_FIRST, failing_since: None }
    }

    /// The pause before the next repetition; `None` where patience ends before that.
    ///
    /// What the server asks for is honoured. Else a part of the pause is left to chance, so that clients which were
    /// cut off together don't come back together.
    pub(super) fn pause(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        let pause = asked.unwrap_or_else(|| self.pause.mul_f64(0.5 + chance() / 2.0));
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        (since.elapsed() + pause <= self.limit).then_some(pause)
    }

    /// For how long it has been repeated.
    pub(super) fn spent(&self) -> Duration {
        self.failing_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// How long the call is repeated at most.
    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    /// Whether nothing has failed yet.
    pub(super) const fn is_untried(&self) -> bool {
        self.failing_since.is_none()
    }
}

/// From 0 to 1; 1 where the system has no random bytes, which makes pauses longer and nothing else.
fn chance() -> f64 {
    let mut byte = [u8::MAX];
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / f64::from(u8::MAX)
}
