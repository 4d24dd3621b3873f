//! Sessions in SQLite.

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow as DatabaseRow};
use sqlx::{Sqlite, SqlitePool as Pool};

#[cfg_attr(
    all(feature = "embedded", feature = "cluster"),
    expect(
        clippy::duplicate_mod,
        reason = "one text for two drivers, whose types have no trait in common that counts rows"
    )
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

type Statement = Query<'static, Sqlite, SqliteArguments>;

impl SqliteSessions {
    /// Sessions over the caller's pools; the writing one ordinarily has one connection.
    #[must_use]
    pub const fn new(read: Pool, write: Pool) -> Self {
        Self::over(read, write)
    }
}

async fn execute(pool: &Pool, statement: Statement) -> sqlx::Result<u64> {
    Ok(statement.execute(pool).await?.rows_affected())
}

async fn fetch_optional(pool: &Pool, statement: Statement) -> sqlx::Result<Option<DatabaseRow>> {
    statement.fetch_optional(pool).await
}

async fn fetch_all(pool: &Pool, statement: Statement) -> sqlx::Result<Vec<DatabaseRow>> {
    statement.fetch_all(pool).await
}
