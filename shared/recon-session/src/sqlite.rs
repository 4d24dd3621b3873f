//! Sessions in SQLite.

use sqlx::SqlitePool as Pool;
use sqlx::sqlite::SqliteRow as DatabaseRow;

#[expect(
    clippy::duplicate_mod,
    reason = "one text for two drivers, whose types have no trait in common that counts rows"
)]
#[path = "verbs.rs"]
mod verbs;

pub use verbs::SqlSessions as SqliteSessions;

/// The tables, for the migration sequence of the database that holds them.
pub const MIGRATION: &str = include_str!("sqlite/sessions.sql");

/// A later step of the same sequence: the index by which a user's sessions are listed, the newest first.
pub const MIGRATION_LISTING: &str = include_str!("sqlite/sessions_listing.sql");

/// Writers take turns anyway.
macro_rules! lock_generation {
    () => {
        ""
    };
}
use lock_generation;
