//! Sessions in PostgreSQL, on its primary.

use sqlx::PgPool as Pool;
use sqlx::postgres::PgRow as DatabaseRow;

#[expect(
    clippy::duplicate_mod,
    reason = "one text for two drivers, whose types have no trait in common that counts rows"
)]
#[path = "verbs.rs"]
mod verbs;

pub use verbs::SqlSessions as PostgresSessions;

/// The tables, for the migration sequence of the database that holds them.
pub const MIGRATION: &str = include_str!("postgres/sessions.sql");

/// A revocation of all that comes at the same time goes before the session or after it, never through it.
macro_rules! lock_generation {
    () => {
        " for share"
    };
}
use lock_generation;
