//! Workspaces: the tenants that own everything else.

use recon_domain::{Instant, WorkspaceId};

use crate::Clock;
use crate::sqlite::Database;

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceRecord {
    /// The id.
    pub id: WorkspaceId,
    /// The name, unique over the installation.
    pub name: String,
    /// When it was made.
    pub created_at: Instant,
}

/// The table of workspaces.
#[derive(Clone)]
pub struct Workspaces {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
}
