//! What a store of sessions has to do.
//!
//! [`crate::Sessions`] makes the tokens, reads no clock, and looks at both clocks of every record that a store gives it; a store
//! is the one that makes each verb atomic.

use std::fmt;

use futures_util::future::BoxFuture;
use recon_domain::{Instant, SessionId, UserRole};

use crate::{Attributes, Error, SessionRecord, SessionSeek, Tag, TokenHash};

/// Where a session is: its user's slot, and the hash of its token there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// The slot.
    pub tag: Tag,
    /// The hash.
    pub hash: TokenHash,
}

/// The time of a call, for both clocks. A session is alive if it expires after `now`, was seen after `seen_after`, and its
/// generation is not older than its user's. **A user without a generation has no session alive.**
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Now.
    pub now: Instant,
    /// Now less the idle timeout.
    pub seen_after: Instant,
}

/// What became of a write of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// Written; the version is one more.
    Written,
    /// There is no such session alive.
    Gone,
    /// It has another version.
    Stale,
}

/// What a rotation changes besides the token; `None` leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacement {
    /// The hash of the new token.
    pub hash: TokenHash,
    /// The new role.
    pub role: Option<UserRole>,
    /// The new end of the absolute clock, when the user proved at `Moment::now` who they are.
    pub expires_at: Option<Instant>,
}

/// A store of sessions. Each verb is atomic and durable when it returns, and those that change a session never make one.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Adds a session. `record.generation` is the one to begin with if the user has none; the result is the
    /// user's, which is what has to be stored. Fails with [`Error::Exists`] if id or hash are taken.
    fn create<'a>(&'a self, record: &'a SessionRecord) -> BoxFuture<'a, Result<u64, Error>>;

    /// The session, if it is alive.
    fn load(&self, key: SessionKey, moment: Moment) -> BoxFuture<'_, Result<Option<SessionRecord>, Error>>;

    /// Replaces the attributes of a session that is alive and has this version.
    fn update<'a>(
        &'a self,
        key: SessionKey,
        version: u64,
        attributes: &'a Attributes,
        moment: Moment,
    ) -> BoxFuture<'a, Result<Update, Error>>;

    /// Notes that a session which is alive was seen now, never earlier than it was; says whether there is one.
    fn touch(&self, key: SessionKey, moment: Moment) -> BoxFuture<'_, Result<bool, Error>>;

    /// Gives a session that is alive another token; the old one is dead at once. `None` if there is none.
    fn rotate(
        &self,
        key: SessionKey,
        replacement: Replacement,
        moment: Moment,
    ) -> BoxFuture<'_, Result<Option<SessionRecord>, Error>>;

    /// The sessions of a user that are alive, by id from the greatest, which of UUIDv7 is the newest.
    fn list(
        &self,
        tag: Tag,
        seek: SessionSeek,
        moment: Moment,
    ) -> BoxFuture<'_, Result<Vec<SessionRecord>, Error>>;

    /// Ends a session; says whether there was one.
    fn revoke(&self, tag: Tag, id: SessionId) -> BoxFuture<'_, Result<bool, Error>>;

    /// Ends all sessions of a user by a new generation: one more than the last, and at least `generation`.
    fn revoke_all(&self, tag: Tag, generation: u64) -> BoxFuture<'_, Result<(), Error>>;

    /// Deletes at most `batch` sessions whose clocks have ended, and says how many.
    fn purge_expired(&self, batch: u32, moment: Moment) -> BoxFuture<'_, Result<u64, Error>>;

    /// Asks whether the store answers.
    fn check(&self) -> BoxFuture<'_, Result<(), Error>>;
}
