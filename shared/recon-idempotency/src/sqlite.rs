//! Keys in SQLite.
//!
//! Every verb works on a connection on which the caller has opened a transaction with `begin immediate`, and leaves
//! commit and rollback to the caller: so an effect in the same database and its key are one. The clock is the database's.
//!
//! A transaction around which a request handler's future is dropped may return to its pool still open; callers run
//! their transactions on a task of their own.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{SqliteConnection, SqlitePool};

pub use crate::Error;
use crate::metrics::StoreKind;
use crate::sql::{
    self, Bind, Bounds, Read, Row, Table, columns, in_transaction, pooled, read_anywhere, verbs,
};
use crate::{
    Claim, ClaimOutcome, ClaimStore, Claimed, Completion, Entry, Extension, Guard, Held, IdempotencyKey,
    RecordId, Release, Scope, StoredResponse, Unanswered,
};

/// The table, for the migration sequence of the database that holds it.
pub const MIGRATION: &str = include_str!("sqlite/idempotency_keys.sql");

/// Microseconds since 1970, in steps of a millisecond.
macro_rules! now {
    () => {
        "cast(round(unixepoch('subsec') * 1000) as integer) * 1000"
    };
}

/// One row always: the clock, and beside it the record where there is one.
const READ: &str = concat!(
    "-- idempotency_keys_read\nselect ",
    now!(),
    " as now, ",
    columns!(),
    "\nfrom (select 1) left join idempotency_keys k on k.id = $1"
);

verbs!(SqliteConnection);
pooled!(SqlitePool, SqliteConnection, StoreKind::Sqlite, tx => tx);
read_anywhere!();

impl Store {
    /// Over a pool of connections to a database that has the table.
    #[must_use]
    pub const fn new(pool: SqlitePool) -> Self {
        Self { pool, bounds: Bounds { begin: "begin immediate", limit: None } }
    }
}

impl Table for SqliteConnection {
    const PURGE: &'static str = concat!(
        "-- idempotency_keys_purge
delete from idempotency_keys where id in (
    select id from idempotency_keys where expires_at <= ",
        now!(),
        " order by expires_at limit $1
)"
    );

    async fn read(&mut self, id: RecordId) -> Result<Read, Error> {
        let row: Row = sqlx::query_as(READ).bind(id.as_bytes().as_slice()).fetch_one(self).await?;
        row.read()
    }

    /// The transaction has the only lock for writing.
    async fn lock(&mut self, id: RecordId) -> Result<Read, Error> {
        self.read(id).await
    }

    async fn reserve(&mut self, id: RecordId) -> Result<Read, Error> {
        self.read(id).await
    }

    async fn execute(&mut self, statement: &'static str, binds: &[Bind<'_>]) -> Result<u64, Error> {
        let query = binds.iter().fold(sqlx::query(statement), |query, bind| match bind {
            Bind::Integer(number) => query.bind(*number),
            Bind::Bytes(bytes) => query.bind(*bytes),
            Bind::Text(text) => query.bind(*text),
        });
        Ok(query.execute(self).await?.rows_affected())
    }
}
