//! Keys in PostgreSQL.
//!
//! Every verb works on a connection on which the caller has opened a transaction, and leaves commit and rollback to the
//! caller: so an effect in the same database and its key are one. `read committed` is enough: a key is
//! held by a lock on its row, and who asks for it meanwhile waits until the holder commits, and then gets its answer. With
//! `lock_timeout` set the wait is bounded, and ends in [`Error::InFlight`]. The clock is the database's. Never read a replica.
//!
//! For effects whose answer is known before they run there is [`CompletedClaim`], which needs no transaction.
//!
//! A transaction around which a request handler's future is dropped may return to its pool still open; callers run
//! their transactions on a task of their own.

mod one_statement;
mod statements;
pub mod unnamed;

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};

pub use self::one_statement::CompletedClaim;
use self::statements::PURGE;
pub use crate::Error;
use crate::metrics::StoreKind;
use crate::sql::{self, Bind, Bounds, Read, Table, in_transaction, pooled, read_anywhere, verbs};
use crate::{
    Claim, ClaimOutcome, ClaimStore, Claimed, Completion, Entry, Extension, Guard, Held, IdempotencyKey,
    RecordId, Release, Scope, StoredResponse, Unanswered,
};

/// The table, for the migration sequence of the database that holds it.
pub const MIGRATION: &str = include_str!("postgres/idempotency_keys.sql");

/// A later step of the same sequence: what a record has to be is checked by a function, which the server reads once for a
/// connection. It reads the text of an ordinary check for each statement, which was a third of what a claim cost.
pub const MIGRATION_CHECK: &str = include_str!("postgres/idempotency_keys_check.sql");

/// How a verb's transaction begins where nothing else is said.
const BEGIN: &str = "begin isolation level read committed read write";
/// How long a verb may take where nothing else is said.
const RESPONSE_MAX: Duration = Duration::from_secs(15);

verbs!(PgConnection);
pooled!(PgPool, PgConnection, StoreKind::Postgres, tx => tx);
read_anywhere!();

impl Store {
    /// Over a pool of connections to a database that has the table.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool, bounds: Bounds { begin: BEGIN, limit: Some(RESPONSE_MAX) } }
    }
}

/// What the stores over either kind of connection have in common.
macro_rules! response_within {
    () => {
        impl Store {
            /// The same with another limit for how long a verb that writes may take, instead of 15 seconds; then its outcome is
            /// unknown, and its connection is closed. Longer than the server's own limits, which end what the server still
            /// knows of.
            #[must_use]
            pub const fn response_within(mut self, limit: Duration) -> Self {
                self.bounds.limit = Some(limit);
                self
            }
        }
    };
}
use response_within;

response_within!();

/// The statements of a connection of this type, prepared under names that last or without one.
macro_rules! table {
    ($connection:ty, $this:ident => $on:expr, $persistent:literal) => {
        impl Table for $connection {
            const PURGE: &'static str = PURGE;

            async fn read(&mut self, id: RecordId) -> Result<Read, Error> {
                let $this = self;
                statements::read($on, id, $persistent).await
            }

            async fn lock(&mut self, id: RecordId) -> Result<Read, Error> {
                let $this = self;
                statements::lock($on, id, $persistent).await
            }

            async fn reserve(&mut self, id: RecordId) -> Result<Read, Error> {
                let $this = self;
                statements::reserve($on, id, $persistent).await
            }

            async fn execute(&mut self, statement: &'static str, binds: &[Bind<'_>]) -> Result<u64, Error> {
                let $this = self;
                statements::execute($on, statement, binds, $persistent).await
            }
        }
    };
}
use table;

table!(PgConnection, this => this, true);
