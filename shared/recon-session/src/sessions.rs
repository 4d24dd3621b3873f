//! The verbs.

use std::sync::Arc;

use recon_domain::{Instant, SessionId, UserRole};

use crate::backend::{Backend, Replacement, SessionKey, Update};
use crate::{Error, Lifetimes, NewSession, Opened, Patch, SessionRecord, SessionToken, Tag};

/// The most sessions of one page of [`Sessions::list`].
pub const SESSIONS_LISTED_MAX: u32 = 500;

/// Sessions in some store. A clone is cheap and is the same store.
///
/// No verb reads a clock: `now` is given, from one clock for all calls.
#[derive(Debug, Clone)]
pub struct Sessions {
    backend: Arc<dyn Backend>,
    lifetimes: Lifetimes,
}

/// Which page of a user's sessions is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSeek {
    /// Only those older than this one.
    pub before: Option<SessionId>,
    /// The most of them.
    pub limit: u32,
}

/// A page of a user's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions, the newest first.
    pub items: Vec<SessionRecord>,
    /// Whether older ones follow.
    pub more: bool,
}

impl Default for SessionSeek {
    /// The newest, as many as a page holds.
    fn default() -> Self {
        Self { before: None, limit: SESSIONS_LISTED_MAX }
    }
}

/// What became of a sight of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Touch {
    /// The last one is so recent that nothing was written.
    Recent,
    /// It was written.
    Written,
    /// The session was ended since it was loaded: the caller is not signed in any more.
    Gone,
}

/// Why a session gets another token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The user proved again who they are: the absolute clock starts anew.
    Reauthenticated,
    /// The user may do something else now. The clock goes on.
    RoleChanged(UserRole),
}

/// What became of ending a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// It is ended.
    Revoked,
    /// The user has no such session.
    Absent,
}

impl Sessions {
    /// Sessions in this store.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, lifetimes: Lifetimes) -> Self {
        Self { backend, lifetimes }
    }

    /// The two clocks.
    #[must_use]
    pub const fn lifetimes(&self) -> &Lifetimes {
        &self.lifetimes
    }

    /// Makes a session for a user who just proved who they are.
    ///
    /// # Errors
    /// [`Error::Exists`] for an id that is taken, [`Error::AttributesTooLong`], and the store's.
    pub async fn create(&self, new: NewSession, now: Instant) -> Result<Opened, Error> {
        let token = SessionToken::random(new.tag)?;
        let mut record = SessionRecord {
            id: new.id,
            tag: new.tag,
            token_hash: token.hash(),
            user: new.user,
            workspace: new.workspace,
            role: new.role,
            generation: generation_at(now),
            created_at: now,
            authenticated_at: now,
            last_seen_at: now,
            expires_at: self.lifetimes.expires_at(now),
            attributes: new.attributes.patched(&Patch::default())?,
            version: 1,
        };
        record.generation = self.backend.create(&record).await?;
        Ok(Opened { token, record })
    }

    /// The session of a token. `None` if there is none, if one of its clocks has ended, or if it was revoked.
    ///
    /// # Errors
    /// The store's; then nobody is signed in.
    pub async fn load(&self, token: &SessionToken, now: Instant) -> Result<Option<SessionRecord>, Error> {
        let key = SessionKey { tag: token.tag(), hash: token.hash() };
        let record = self.backend.load(key, self.lifetimes.moment(now)).await?;
        Ok(record.filter(|record| self.lifetimes.is_alive(record, now)))
    }

    /// Lays a patch over the attributes of a session as it was loaded, and gives the session as it is now.
    ///
    /// # Errors
    /// [`Error::Gone`] if the session was ended: it is never made again. [`Error::Stale`] if somebody else wrote first:
    /// load it again. [`Error::AttributesTooLong`], and the store's.
    pub async fn update(
        &self,
        record: &SessionRecord,
        patch: &Patch,
        now: Instant,
    ) -> Result<SessionRecord, Error> {
        let attributes = record.attributes.patched(patch)?;
        let moment = self.lifetimes.moment(now);
        match self.backend.update(key(record), record.version, &attributes, moment).await? {
            Update::Written => {
                Ok(SessionRecord { attributes, version: record.version.saturating_add(1), ..record.clone() })
            }
            Update::Gone => Err(Error::Gone),
            Update::Stale => Err(Error::Stale),
        }
    }

    /// Notes that the user was seen, if the last note is older than a tenth of the idle window.
    ///
    /// # Errors
    /// The store's.
    pub async fn touch(&self, record: &SessionRecord, now: Instant) -> Result<Touch, Error> {
        if !self.lifetimes.is_touch_due(record, now) {
            return Ok(Touch::Recent);
        }
        let written = self.backend.touch(key(record), self.lifetimes.moment(now)).await?;
        Ok(if written { Touch::Written } else { Touch::Gone })
    }

    /// Gives a session another token. The old one is dead at once; of two rotations of one token one succeeds.
    ///
    /// # Errors
    /// [`Error::Gone`] if the token is of no session alive, and the store's.
    pub async fn rotate(
        &self,
        token: &SessionToken,
        rotation: Rotation,
        now: Instant,
    ) -> Result<Opened, Error> {
        let new = SessionToken::random(token.tag())?;
        let replacement = match rotation {
            Rotation::Reauthenticated => {
                Replacement { hash: new.hash(), role: None, expires_at: Some(self.lifetimes.expires_at(now)) }
            }
            Rotation::RoleChanged(role) => {
                Replacement { hash: new.hash(), role: Some(role), expires_at: None }
            }
        };
        let key = SessionKey { tag: token.tag(), hash: token.hash() };
        let record = self.backend.rotate(key, replacement, self.lifetimes.moment(now)).await?;
        record.map(|record| Opened { token: new, record }).ok_or(Error::Gone)
    }

    /// A page of the sessions of a user that are alive, the newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, tag: Tag, seek: SessionSeek, now: Instant) -> Result<SessionPage, Error> {
        let limit = seek.limit.clamp(1, SESSIONS_LISTED_MAX);
        // One more than asked for tells whether more follow.
        let one_more = SessionSeek { limit: limit + 1, ..seek };
        let mut items = self.backend.list(tag, one_more, self.lifetimes.moment(now)).await?;
        let asked = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > asked;
        items.truncate(asked);
        items.retain(|record| self.lifetimes.is_alive(record, now));
        Ok(SessionPage { items, more })
    }

    /// Ends one session of a user, at once: signing out, or naming another from the list.
    ///
    /// # Errors
    /// The store's; then the session may still live.
    pub async fn revoke(&self, tag: Tag, id: SessionId) -> Result<Revocation, Error> {
        let revoked = self.backend.revoke(tag, id).await?;
        Ok(if revoked { Revocation::Revoked } else { Revocation::Absent })
    }

    /// Ends all sessions of a user, at once.
    ///
    /// # Errors
    /// The store's; then they may still live.
    pub async fn revoke_all(&self, tag: Tag, now: Instant) -> Result<(), Error> {
        self.backend.revoke_all(tag, generation_at(now)).await
    }

    /// Deletes at most `batch` sessions whose clocks have ended, and says how many. They were dead before: this only makes room.
    ///
    /// # Errors
    /// The store's.
    pub async fn purge_expired(&self, batch: u32, now: Instant) -> Result<u64, Error> {
        self.backend.purge_expired(batch, self.lifetimes.moment(now)).await
    }

    /// Asks whether the store answers.
    ///
    /// # Errors
    /// The store's.
    pub async fn check(&self) -> Result<(), Error> {
        self.backend.check().await
    }
}

fn key(record: &SessionRecord) -> SessionKey {
    SessionKey { tag: record.tag, hash: record.token_hash }
}

/// The generation to begin with. It comes from the clock and not from one, so that a user whose generation a store
/// lost gets a later one than any session of before has.
fn generation_at(now: Instant) -> u64 {
    u64::try_from(now.micros()).unwrap_or(0)
}
