//! Sessions and users as clients see them.

use recon_contract::{Session, User, Workspace};
use recon_session::SessionRecord;
use recon_store::UserRecord;

/// A session of this user.
#[must_use]
pub fn session(record: &SessionRecord, user: User) -> Session {
    Session {
        id: record.id,
        user,
        created_at: record.created_at,
        last_seen_at: record.last_seen_at,
        expires_at: record.expires_at,
    }
}

/// A user of the workspace of this name.
#[must_use]
pub fn user(record: &UserRecord, workspace_name: String) -> User {
    User {
        id: record.id,
        email: record.email.to_string(),
        role: record.role,
        workspace: Workspace { id: record.workspace, name: workspace_name },
    }
}
