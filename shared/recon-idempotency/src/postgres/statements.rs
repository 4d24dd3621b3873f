//! What PostgreSQL is asked. A statement is persistent where the connection keeps it prepared for the next time.

use sqlx::PgConnection;

use crate::sql::{Bind, Read, Row, columns};
use crate::{Error, RecordId, StoreTime};

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

/// What a claim or another purge holds is skipped.
pub(super) const PURGE: &str = concat!(
    "-- idempotency_keys_purge
delete from idempotency_keys where id = any (array(
    select id from idempotency_keys where expires_at <= ",
    now!(),
    " order by expires_at limit $1 for update skip locked
))"
);

pub(super) async fn read(conn: &mut PgConnection, id: RecordId, persistent: bool) -> Result<Read, Error> {
    let query = sqlx::query_as(READ).bind(id.as_bytes().as_slice()).persistent(persistent);
    let row: Row = query.fetch_one(conn).await?;
    row.read()
}

pub(super) async fn lock(conn: &mut PgConnection, id: RecordId, persistent: bool) -> Result<Read, Error> {
    let query = sqlx::query_as(LOCK).bind(id.as_bytes().as_slice()).persistent(persistent);
    let row: Option<Row> = query.fetch_optional(&mut *conn).await?;
    match row {
        Some(row) => row.read(),
        None => {
            let now = sqlx::query_scalar(NOW).persistent(persistent).fetch_one(conn).await?;
            Ok((None, StoreTime::from_micros(now)))
        }
    }
}

pub(super) async fn reserve(conn: &mut PgConnection, id: RecordId, persistent: bool) -> Result<Read, Error> {
    for _ in 0..RESERVE_TRIES_MAX {
        let place = sqlx::query_scalar(RESERVE).bind(id.as_bytes().as_slice()).persistent(persistent);
        if let Some(now) = place.fetch_optional(&mut *conn).await? {
            return Ok((None, StoreTime::from_micros(now)));
        }
        // Between the two statements the record may have been released or purged.
        if let (Some(found), now) = lock(conn, id, persistent).await? {
            return Ok((Some(found), now));
        }
    }
    Err(Error::Raced)
}

pub(super) async fn execute(
    conn: &mut PgConnection,
    statement: &'static str,
    binds: &[Bind<'_>],
    persistent: bool,
) -> Result<u64, Error> {
    let query = binds.iter().fold(sqlx::query(statement), |query, bind| match bind {
        Bind::Integer(number) => query.bind(*number),
        Bind::Bytes(bytes) => query.bind(*bytes),
        Bind::Text(text) => query.bind(*text),
    });
    Ok(query.persistent(persistent).execute(conn).await?.rows_affected())
}
