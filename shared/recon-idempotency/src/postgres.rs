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

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};

pub use self::one_statement::CompletedClaim;
pub use crate::Error;
use crate::sql::{self, Bind, Read, Row, Table, columns, pooled, verbs};
use crate::{
    Claim, ClaimOutcome, ClaimStore, Claimed, Completion, Entry, Extension, Guard, Held, IdempotencyKey,
    RecordId, Release, Scope, StoreTime, StoredResponse, Unanswered,
};

/// The table, for the migration sequence of the database that holds it.
pub const MIGRATION: &str = include_str!("postgres/idempotency_keys.sql");

/// How often a place is asked for whose record goes away while it is read.
const RESERVE_TRIES_MAX: u32 = 3;

/// Microseconds since 1970. Not the transaction's start: a transaction may have waited for a long time.
macro_rules! now {
    () => {
        "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
    };
}

/// One row always: the clock, and beside it the record where there is one.
const READ: &str = concat!(
    "-- idempotency_keys_read\nselect ",
    now!(),
    " as now, ",
    columns!(),
    "\nfrom (select 1) one left join idempotency_keys k on k.id = $1"
);

/// The clock is read outside of the subquery, so after the lock is there.
const LOCK: &str = concat!(
    "-- idempotency_keys_lock\nselect ",
    now!(),
    " as now, ",
    columns!(),
    "\nfrom (select * from idempotency_keys where id = $1 for update) k"
);

const NOW: &str = concat!("-- idempotency_keys_now\nselect ", now!());

/// Holds the place of a record that is not there: whoever inserts the same id waits for the end of this transaction.
const RESERVE: &str = concat!(
    "-- idempotency_keys_reserve
insert into idempotency_keys (id, fingerprint, method, path, state, fence, claim_token, seed, lease_until, expires_at)
values ($1, decode(repeat('00', 32), 'hex'), '', '', 'in_progress', 0, decode(repeat('00', 16), 'hex'),
    decode(repeat('00', 32), 'hex'), 0, 0)
on conflict (id) do nothing
returning ",
    now!()
);

verbs!(PgConnection);
pooled!(PgPool, PgConnection, "begin isolation level read committed");

impl Table for PgConnection {
    /// What a claim or another purge holds is skipped.
    const PURGE: &'static str = concat!(
        "-- idempotency_keys_purge
delete from idempotency_keys where id = any (array(
    select id from idempotency_keys where expires_at <= ",
        now!(),
        " order by expires_at limit $1 for update skip locked
))"
    );

    async fn read(&mut self, id: RecordId) -> Result<Read, Error> {
        let row: Row = sqlx::query_as(READ).bind(id.as_bytes().as_slice()).fetch_one(self).await?;
        row.read()
    }

    async fn lock(&mut self, id: RecordId) -> Result<Read, Error> {
        let query = sqlx::query_as(LOCK).bind(id.as_bytes().as_slice());
        let row: Option<Row> = query.fetch_optional(&mut *self).await?;
        match row {
            Some(row) => row.read(),
            None => Ok((None, StoreTime::from_micros(sqlx::query_scalar(NOW).fetch_one(self).await?))),
        }
    }

    async fn reserve(&mut self, id: RecordId) -> Result<Read, Error> {
        for _ in 0..RESERVE_TRIES_MAX {
            let place = sqlx::query_scalar(RESERVE).bind(id.as_bytes().as_slice());
            if let Some(now) = place.fetch_optional(&mut *self).await? {
                return Ok((None, StoreTime::from_micros(now)));
            }
            // Between the two statements the record may have been released or purged.
            if let (Some(found), now) = self.lock(id).await? {
                return Ok((Some(found), now));
            }
        }
        Err(Error::Raced)
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
