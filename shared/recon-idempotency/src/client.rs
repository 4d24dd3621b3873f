//! What a client does whose request has a key: the rules, as words and as a function of what it has seen. It sends nothing
//! itself, so it goes with any HTTP library.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use recon_idempotency::client::{Attempts, Next, RetryPolicy, Seen};
//!
//! # fn send(key: &str) -> Option<(u16, Option<String>, Option<Duration>)> { Some((201, None, None)) }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = recon_idempotency::IdempotencyKey::random()?.to_header();
//! let mut attempts = Attempts::new(RetryPolicy::default());
//! loop {
//!     let answer = send(&key);
//!     let seen = match &answer {
//!         None => Seen::NoAnswer,
//!         Some((status, code, retry_after)) => {
//!             Seen::Answer { status: *status, code: code.as_deref(), retry_after: *retry_after }
//!         }
//!     };
//!     match attempts.next(&seen, Instant::now()) {
//!         Next::Done => break Ok(()),
//!         Next::Again { after } => std::thread::sleep(after),
//!         Next::NewKey => break Err("the key belongs to another request".into()),
//!         Next::GiveUp => break Err("no answer; the same key finds it later".into()),
//!     }
//! }
//! # }
//! ```

use std::time::{Duration, Instant};

/// The rules for clients, in Markdown.
pub const RULES: &str = include_str!("client/rules.md");

/// The code of a 409 whose request is running at this moment.
pub const IN_PROGRESS: &str = "idempotency_key_in_progress";
/// The code of a 422 whose key belongs to another request.
pub const REUSED: &str = "idempotency_key_reused";

/// How often and for how long a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The most attempts, the first one included.
    pub attempts_max: u32,
    /// The longest time from the first failure to the start of the last attempt. How long an attempt may take is for
    /// the HTTP client to limit.
    pub time_max: Duration,
    /// The pause before the first repetition; it doubles.
    pub pause_first: Duration,
    /// The longest pause that nobody asked for, and the most that chance adds to one that was asked for.
    pub pause_max: Duration,
}

impl Default for RetryPolicy {
    /// Two minutes, in which a server restarts.
    fn default() -> Self {
        Self {
            attempts_max: 64,
            time_max: Duration::from_secs(120),
            pause_first: Duration::from_millis(250),
            pause_max: Duration::from_secs(5),
        }
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'a> {
    /// No answer, or not all of it: the connection failed, or the time was over.
    NoAnswer,
    /// An answer.
    Answer {
        /// Its status.
        status: u16,
        /// The `code` of its problem document.
        code: Option<&'a str>,
        /// Its `Retry-After`: see [`retry_after`].
        retry_after: Option<Duration>,
    },
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Next {
    /// This is the answer, whatever it says.
    Done,
    /// The same request with the same key.
    Again {
        /// After this time.
        after: Duration,
    },
    /// The key belongs to another request: this one was not carried out, and needs a new key.
    NewKey,
    /// It was repeated for as long as the policy allows. The outcome is unknown; the same key finds it later.
    GiveUp,
}

/// What a `Retry-After` says, if it says it in seconds: a date would have to be read on the server's clock.
#[must_use]
pub fn retry_after(line: &str) -> Option<Duration> {
    let line = line.trim();
    let digits = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
    // What is too large for a number of seconds is for ever.
    digits.then(|| Duration::from_secs(line.parse().unwrap_or(u64::MAX)))
}

/// The attempts of one request.
#[derive(Debug, Clone)]
pub struct Attempts {
    policy: RetryPolicy,
    failed: u32,
    pause: Duration,
    failing_since: Option<Instant>,
}

impl Attempts {
    /// None yet.
    #[must_use]
    pub const fn new(policy: RetryPolicy) -> Self {
        Self { policy, failed: 0, pause: policy.pause_first, failing_since: None }
    }

    /// What to do after an attempt of which this was seen. `now` may not go back.
    pub fn next(&mut self, seen: &Seen<'_>, now: Instant) -> Next {
        let asked = match *seen {
            Seen::NoAnswer => None,
            Seen::Answer { status: 429 | 502..=504, retry_after, .. }
            | Seen::Answer { status: 409, code: Some(IN_PROGRESS), retry_after } => retry_after,
            Seen::Answer { status: 422, code: Some(REUSED), .. } => return Next::NewKey,
            Seen::Answer { .. } => return Next::Done,
        };
        self.failed = self.failed.saturating_add(1);
        let spent = now.saturating_duration_since(*self.failing_since.get_or_insert(now));
        let left = self.policy.time_max.checked_sub(spent);
        let (least, spread) = self.pause(asked);
        match left.filter(|left| least <= *left && self.failed < self.policy.attempts_max) {
            Some(left) => Next::Again { after: least.saturating_add(part(spread, chance())).min(left) },
            None => Next::GiveUp,
        }
    }

    /// How many attempts have failed.
    #[must_use]
    pub const fn failed(&self) -> u32 {
        self.failed
    }

    /// How long ago the first one failed.
    #[must_use]
    pub fn failing_for(&self, now: Instant) -> Duration {
        self.failing_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// The shortest pause, and by how much chance may make it longer, so that clients which were cut off together, or told the
    /// same, don't come back together. What the server asks for is never undercut; a pause of nothing would be a busy loop.
    fn pause(&mut self, asked: Option<Duration>) -> (Duration, Duration) {
        let RetryPolicy { pause_first, pause_max, .. } = self.policy;
        let full = self.pause.min(pause_max);
        self.pause = full.saturating_mul(2).min(pause_max);
        match asked.map(|asked| asked.max(pause_first / 2)) {
            Some(least) => (least, (least / 2).min(pause_max)),
            None => (full / 2, full / 2),
        }
    }
}

/// So many 255ths.
fn part(full: Duration, part: u8) -> Duration {
    full / u32::from(u8::MAX) * u32::from(part)
}

/// From 0 to 255; 255 where the system has no random bytes, which makes pauses longer and nothing else.
fn chance() -> u8 {
    let mut byte = [u8::MAX];
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

#[cfg(test)]
mod tests;
