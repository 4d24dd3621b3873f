//! Stores that keep claims away from the effect.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::{
    Claim, Claimed, Completion, Entry, Error, Extension, Held, IdempotencyKey, Release, Scope,
    StoredResponse, Unanswered,
};

/// A store of claims for remote effects: each verb is atomic by itself, and decides as
/// [`transition::decide`](crate::transition::decide) does, on the store's own clock.
///
/// A verb whose caller stops waiting may or may not have happened, as one that failed with [`Error::Unavailable`]: a claim
/// that nobody knows of ends with its lease.
pub trait ClaimStore: Send + Sync {
    /// Asks for the right to run a remote effect for `lease`.
    ///
    /// # Errors
    /// [`Error`]; the effect must not run.
    fn claim<'a>(&'a self, request: &'a Unanswered, lease: Duration)
    -> BoxFuture<'a, Result<Claimed, Error>>;

    /// Ends a claim with its answer.
    ///
    /// # Errors
    /// [`Error::Unstorable`] for an answer that must not be kept, and the other [`Error`]s; then the outcome is unknown,
    /// and the next one who claims the key repeats the same derived ids.
    fn complete<'a>(
        &'a self,
        claim: &'a Claim,
        response: &'a StoredResponse,
    ) -> BoxFuture<'a, Result<Completion, Error>>;

    /// Gives a claim back whose work surely had no effect, so that a retry runs.
    ///
    /// # Errors
    /// [`Error`].
    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Release, Error>>;

    /// Moves the end of the lease to `lease` from now: the heartbeat of work that takes longer than one lease.
    ///
    /// # Errors
    /// [`Error`].
    fn extend<'a>(&'a self, claim: &'a Claim, lease: Duration) -> BoxFuture<'a, Result<Extension, Error>>;

    /// What a request gets from what its key holds; `None` when it has to run.
    ///
    /// # Errors
    /// [`Error`].
    fn look_up<'a>(&'a self, request: &'a Unanswered) -> BoxFuture<'a, Result<Option<Held>, Error>>;

    /// What became of a key; `None` when it is unknown or forgotten.
    ///
    /// # Errors
    /// [`Error`].
    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        key: &'a IdempotencyKey,
    ) -> BoxFuture<'a, Result<Option<Entry>, Error>>;

    /// Deletes at most `batch` records that have expired, and says how many it deleted: none where the store itself
    /// deletes them.
    ///
    /// # Errors
    /// [`Error`].
    fn purge_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, Error>>;
}
