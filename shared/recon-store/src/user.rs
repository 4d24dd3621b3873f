//! Users.

use std::fmt;
use std::str::FromStr;

use recon_domain::{Instant, UserId, UserRole, WorkspaceId};
use recon_session::Tag;
use recon_session::password::PasswordHash;

use crate::Clock;
use crate::database::Database;

/// The longest email in bytes, as mail itself limits it.
pub const EMAIL_BYTES_MAX: usize = 254;

/// An email address in lower case. It is a name here: nothing is sent to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// Text that is no email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an email address: expected a name, `@` and a domain, without blanks, at most 254 bytes")]
pub struct NotAnEmail;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The id.
    pub id: UserId,
    /// The workspace, the only one.
    pub workspace: WorkspaceId,
    /// The email, unique over the installation.
    pub email: Email,
    /// What the user may do.
    pub role: UserRole,
    /// Whether the user may not sign in.
    pub disabled: bool,
    /// The slot of this user's sessions, made with the user and kept for good.
    pub session_tag: Tag,
    /// Sessions that signed in before this are revoked, whatever a session store says.
    pub sessions_valid_from: Instant,
    /// When the user was made.
    pub created_at: Instant,
}

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The id.
    pub id: UserId,
    /// The email.
    pub email: Email,
    /// What the user may do.
    pub role: UserRole,
    /// The password's hash.
    pub password_hash: PasswordHash,
    /// The slot of this user's sessions, from [`Tag::random`].
    pub session_tag: Tag,
}

/// What a sign-in needs.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user.
    pub user: UserRecord,
    /// The name of the user's workspace.
    pub workspace_name: String,
    /// The password's hash.
    pub password_hash: PasswordHash,
}

/// A user, with what people call the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The user.
    pub user: UserRecord,
    /// The name of the user's workspace.
    pub workspace_name: String,
}

/// The table of users.
#[derive(Clone)]
pub struct Users {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
}

impl Email {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Text that the store itself wrote.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for Email {
    type Err = NotAnEmail;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (name, domain) = text.rsplit_once('@').ok_or(NotAnEmail)?;
        let fits = !name.is_empty() && !domain.is_empty() && text.len() <= EMAIL_BYTES_MAX;
        // The database compares with its own lower(), which knows ASCII only.
        let lower = text.to_ascii_lowercase();
        match fits && !text.contains(|c: char| c.is_whitespace() || c.is_control()) && !name.contains('@') {
            true => Ok(Self(lower)),
            false => Err(NotAnEmail),
        }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_lower_case_without_blanks_around() {
        assert_eq!(" Ann@Example.COM ".parse::<Email>().unwrap().as_str(), "ann@example.com");
    }

    #[test]
    fn what_is_no_email_is_refused() {
        let long = format!("a@{}", "b".repeat(EMAIL_BYTES_MAX));
        for text in ["", "ann", "@b", "a@", "a b@c", "a@b@c", "a\n@b", &long] {
            assert_eq!(text.parse::<Email>(), Err(NotAnEmail), "{text}");
        }
    }
}
