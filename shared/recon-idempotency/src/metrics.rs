//! What stores count, for the recorder that the program installs: with the feature `metrics` through the crate of that name,
//! without it nothing.
//!
//! The [`ClaimStore`](crate::ClaimStore)s count their verbs themselves, when their transaction has ended. Of effects in a
//! transaction of the caller's own only the caller knows that they were committed: it calls [`outcome`] then, once for
//! each request, or [`failure`].
//!
//! | metric | counts |
//! | --- | --- |
//! | `idempotency_claims_total` | requests that were let run, as the first of their key |
//! | `idempotency_takeovers_total` | requests that were let run because the lease of the one before had ended |
//! | `idempotency_replays_total` | requests answered with what was stored |
//! | `idempotency_conflicts_total` | requests whose key was in progress |
//! | `idempotency_mismatches_total` | requests whose key belongs to another request |
//! | `idempotency_zombies_rejected_total` | completions, releases and extensions with a claim that was lost |
//! | `idempotency_store_errors_total` | verbs that the store failed at |
//! | `idempotency_lease_age_seconds` | a histogram: how long a claim was held when its answer was stored, on the holder's clock |
//!
//! The one label is `store`, a [`StoreKind`]. A local effect has no lease: it is a claim and never a takeover.
//! [`ClaimStore::look_up`](crate::ClaimStore::look_up) counts failures only, since who waits for an answer asks again and again.

use crate::{Claim, ClaimOutcome, Claimed, Completion, Error, Extension, Held, Release};

const CLAIMS: &str = "idempotency_claims_total";
const TAKEOVERS: &str = "idempotency_takeovers_total";
const REPLAYS: &str = "idempotency_replays_total";
const CONFLICTS: &str = "idempotency_conflicts_total";
const MISMATCHES: &str = "idempotency_mismatches_total";
const ZOMBIES: &str = "idempotency_zombies_rejected_total";
const ERRORS: &str = "idempotency_store_errors_total";
#[cfg(feature = "metrics")]
const LEASE_AGE: &str = "idempotency_lease_age_seconds";

/// Where records are kept: the label `store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// `sqlite`
    Sqlite,
    /// `postgres`
    Postgres,
    /// `redis`, also Redis Cluster.
    Redis,
    /// `dynamodb`
    Dynamodb,
    /// `memory`
    Memory,
}

impl StoreKind {
    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Dynamodb => "dynamodb",
            Self::Memory => "memory",
        }
    }
}

/// Says what the metrics mean, and starts those of these stores at 0, so that a series is there before its first event.
#[cfg(feature = "metrics")]
pub fn describe(stores: &[StoreKind]) {
    const COUNTERS: [(&str, &str); 7] = [
        (CLAIMS, "Requests that were let run as the first of their idempotency key."),
        (TAKEOVERS, "Requests that were let run because the lease of the one before had ended."),
        (REPLAYS, "Requests answered with the stored answer of their idempotency key."),
        (CONFLICTS, "Requests whose idempotency key was in progress."),
        (MISMATCHES, "Requests whose idempotency key belongs to another request."),
        (ZOMBIES, "Completions, releases and extensions with a claim that was lost."),
        (ERRORS, "Operations that the store of idempotency keys failed at."),
    ];
    for (name, about) in COUNTERS {
        ::metrics::describe_counter!(name, about);
        for store in stores {
            ::metrics::counter!(name, "store" => store.as_str()).increment(0);
        }
    }
    let about = "How long a claim was held when its answer was stored.";
    ::metrics::describe_histogram!(LEASE_AGE, ::metrics::Unit::Seconds, about);
    for store in stores {
        // A histogram that is registered has no value yet.
        drop(::metrics::histogram!(LEASE_AGE, "store" => store.as_str()));
    }
}

/// Counts what became of a request whose transaction the caller has committed, or which only [looked up](crate::ClaimStore::look_up).
pub fn outcome<T>(store: StoreKind, outcome: &ClaimOutcome<T>) {
    count(
        store,
        match outcome {
            ClaimOutcome::Fresh { .. } => CLAIMS,
            ClaimOutcome::Replay { .. } => REPLAYS,
            ClaimOutcome::InFlight { .. } => CONFLICTS,
            ClaimOutcome::Mismatch => MISMATCHES,
        },
    );
}

/// Counts a request that came to nothing because the store failed.
pub fn failure(store: StoreKind) {
    count(store, ERRORS);
}

/// What a [`ClaimStore`](crate::ClaimStore) does with the result of each verb before it hands it out.
impl StoreKind {
    pub(crate) fn claimed(self, claimed: &Result<Claimed, Error>) {
        match claimed {
            Ok(Claimed::Run(claim)) => count(self, if claim.is_takeover() { TAKEOVERS } else { CLAIMS }),
            Ok(Claimed::Held(Held::Replay { .. })) => count(self, REPLAYS),
            Ok(Claimed::Held(Held::InFlight { .. })) => count(self, CONFLICTS),
            Ok(Claimed::Held(Held::Mismatch)) => count(self, MISMATCHES),
            Err(error) => self.failed(error),
        }
    }

    pub(crate) fn completed(self, claim: &Claim, completed: &Result<Completion, Error>) {
        match completed {
            Ok(Completion::Stored { .. }) => lease_ended(self, claim),
            Ok(Completion::Lost(_)) => count(self, ZOMBIES),
            Err(error) => self.failed(error),
        }
    }

    pub(crate) fn released(self, released: &Result<Release, Error>) {
        match released {
            Ok(Release::Released) => {}
            Ok(Release::Lost) => count(self, ZOMBIES),
            Err(error) => self.failed(error),
        }
    }

    pub(crate) fn extended(self, extended: &Result<Extension, Error>) {
        match extended {
            Ok(Extension::Extended { .. }) => {}
            Ok(Extension::Lost) => count(self, ZOMBIES),
            Err(error) => self.failed(error),
        }
    }

    /// For the verbs of which failures are all that is counted.
    #[cfg(any(feature = "embedded", feature = "postgres", feature = "aws"))]
    pub(crate) fn asked<T>(self, asked: &Result<T, Error>) {
        if let Err(error) = asked {
            self.failed(error);
        }
    }

    /// Whoever waits for somebody else's lock, or gives an answer that must not be kept, has met no failure of the store.
    fn failed(self, error: &Error) {
        match error {
            Error::InFlight { .. } => count(self, CONFLICTS),
            Error::Unstorable(_) | Error::Random(_) => {}
            _ => count(self, ERRORS),
        }
    }
}

#[cfg(feature = "metrics")]
fn count(store: StoreKind, name: &'static str) {
    ::metrics::counter!(name, "store" => store.as_str()).increment(1);
}

#[cfg(feature = "metrics")]
fn lease_ended(store: StoreKind, claim: &Claim) {
    ::metrics::histogram!(LEASE_AGE, "store" => store.as_str()).record(claim.age());
}

#[cfg(not(feature = "metrics"))]
const fn count(_: StoreKind, _: &'static str) {}

#[cfg(not(feature = "metrics"))]
const fn lease_ended(_: StoreKind, _: &Claim) {}
