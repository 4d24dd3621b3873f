//! Workspaces: the tenants that own everything else.

use std::fmt;
use std::str::FromStr;

use recon_domain::{Instant, WorkspaceId};

use crate::Clock;
use crate::database::Database;

/// The longest name of a workspace, in bytes.
pub const WORKSPACE_NAME_BYTES_MAX: usize = 200;

/// The name of a workspace, without blanks around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkspaceName(String);

/// Text that is no name of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a name for a workspace: expected 1 to {WORKSPACE_NAME_BYTES_MAX} bytes besides blanks around them, without control characters"
)]
pub struct NotAWorkspaceName;

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceRecord {
    /// The id.
    pub id: WorkspaceId,
    /// The name, unique over the installation.
    pub name: WorkspaceName,
    /// When it was made.
    pub created_at: Instant,
}

/// The table of workspaces.
#[derive(Clone)]
pub struct Workspaces {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
}

impl WorkspaceName {
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

impl FromStr for WorkspaceName {
    type Err = NotAWorkspaceName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let fits = (1..=WORKSPACE_NAME_BYTES_MAX).contains(&text.len());
        match fits && !text.contains(char::is_control) {
            true => Ok(Self(text.to_owned())),
            false => Err(NotAWorkspaceName),
        }
    }
}

impl fmt::Display for WorkspaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_name_has_no_blanks_around() {
        assert_eq!(" Caf\u{e9} & Co ".parse::<WorkspaceName>().unwrap().as_str(), "Caf\u{e9} & Co");
        let longest = "a".repeat(WORKSPACE_NAME_BYTES_MAX);
        assert_eq!(longest.parse::<WorkspaceName>().unwrap().as_str(), longest);
    }

    #[test]
    fn what_is_no_workspace_name_is_refused() {
        for text in ["", " \t ", "a\nb", "a\u{7f}b", "a\u{85}b", &"a".repeat(WORKSPACE_NAME_BYTES_MAX + 1)] {
            assert_eq!(text.parse::<WorkspaceName>(), Err(NotAWorkspaceName), "{text:?}");
        }
    }
}
