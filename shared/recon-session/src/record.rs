//! A session.

use recon_domain::{Instant, SessionId, UserId, UserRole, WorkspaceId};

use crate::{Attributes, SessionToken, Tag, TokenHash};

/// A session as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// The id that lists show and revocation names. It lets nobody in.
    pub id: SessionId,
    /// The user's slot.
    pub tag: Tag,
    /// What is kept of the token.
    pub token_hash: TokenHash,
    /// Who is signed in.
    pub user: UserId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// What the user may do.
    pub role: UserRole,
    /// The user's generation when the session was made: a later one of the user revokes it.
    pub generation: u64,
    /// When it was made.
    pub created_at: Instant,
    /// When the user last proved who they are.
    pub authenticated_at: Instant,
    /// When a request was last noted.
    pub last_seen_at: Instant,
    /// The end of the absolute clock.
    pub expires_at: Instant,
    /// What the application keeps with it.
    pub attributes: Attributes,
    /// Counts the writes of attributes and the rotations.
    pub version: u64,
}

/// What a new session is made of. Its times come from the clock and its token from the generator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Its id; a UUIDv7 keeps lists in order.
    pub id: SessionId,
    /// The slot of the user, as it is kept with the user.
    pub tag: Tag,
    /// Who signed in.
    pub user: UserId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// What the user may do.
    pub role: UserRole,
    /// What the application keeps with it.
    pub attributes: Attributes,
}

/// A session with its token: the only time that the token is known.
#[derive(Debug)]
pub struct Opened {
    /// The token, for the user.
    pub token: SessionToken,
    /// The session.
    pub record: SessionRecord,
}
