//! Statements that SQLite and PostgreSQL read alike.

use super::Table;
use super::row::{AnswerColumns, COMPLETED, IN_PROGRESS, integer};
use crate::{Claim, Error, StoreTime, StoredResponse, Unanswered};

/// The columns of a record, each by its name: a later version's columns change nothing for an earlier one.
macro_rules! columns {
    () => {
        "k.fingerprint, k.method, k.path, k.state, k.fence, k.claim_token, k.seed, k.lease_until, k.expires_at, k.status, k.headers,
    k.body, k.reference"
    };
}
pub(crate) use columns;

/// The fence makes the write fail, and not win, when the record changed since it was read.
const CLAIM: &str = "-- idempotency_keys_claim
insert into idempotency_keys (id, fingerprint, method, path, state, fence, claim_token, seed, lease_until, expires_at,
    status, headers, body, reference)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (id) do update set fingerprint = excluded.fingerprint, method = excluded.method, path = excluded.path,
    state = excluded.state, fence = excluded.fence, claim_token = excluded.claim_token, seed = excluded.seed,
    lease_until = excluded.lease_until, expires_at = excluded.expires_at, status = excluded.status,
    headers = excluded.headers, body = excluded.body, reference = excluded.reference
where idempotency_keys.fence = excluded.fence - 1";

const COMPLETE: &str = "-- idempotency_keys_complete
update idempotency_keys set state = 'completed', lease_until = null, expires_at = $4, status = $5, headers = $6,
    body = $7, reference = $8
where id = $1 and fence = $2 and claim_token = $3 and state = 'in_progress'";

const RELEASE: &str = "-- idempotency_keys_release
delete from idempotency_keys where id = $1 and fence = $2 and claim_token = $3 and state = 'in_progress'";

const EXTEND: &str = "-- idempotency_keys_extend
update idempotency_keys set lease_until = $4, expires_at = case when expires_at < $4 then $4 else expires_at end
where id = $1 and fence = $2 and claim_token = $3 and state = 'in_progress'";

/// A value for a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bind<'a> {
    Integer(Option<i64>),
    Bytes(Option<&'a [u8]>),
    Text(Option<&'a str>),
}

impl From<i64> for Bind<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Bind<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl<'a> From<&'a str> for Bind<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

/// What a new claim is written as.
pub(super) enum Written<'a> {
    InProgress { lease_until: StoreTime, expires_at: StoreTime },
    Completed { response: &'a StoredResponse, expires_at: StoreTime },
}

pub(super) async fn write<C: Table>(
    conn: &mut C,
    request: &Unanswered,
    claim: &Claim,
    written: Written<'_>,
) -> Result<(), Error> {
    let (state, lease_until, expires_at, answer) = match written {
        Written::InProgress { lease_until, expires_at } => {
            (IN_PROGRESS, Some(lease_until.micros()), expires_at, AnswerColumns::default())
        }
        Written::Completed { response, expires_at } => {
            response.storable()?;
            (COMPLETED, None, expires_at, AnswerColumns::of(response))
        }
    };
    let [id, fence, claim_token] = holder(claim);
    let binds = [
        id,
        request.fingerprint.as_bytes().into(),
        request.method.as_str().into(),
        request.path.as_str().into(),
        state.into(),
        fence,
        claim_token,
        claim.seed.as_bytes().into(),
        Bind::Integer(lease_until),
        expires_at.micros().into(),
        Bind::Integer(answer.status),
        Bind::Text(answer.headers.as_deref()),
        Bind::Bytes(answer.body),
        Bind::Bytes(answer.reference),
    ];
    one_row(conn.execute(CLAIM, &binds).await?)
}

pub(super) async fn complete<C: Table>(
    conn: &mut C,
    claim: &Claim,
    response: &StoredResponse,
    expires_at: StoreTime,
) -> Result<(), Error> {
    let answer = AnswerColumns::of(response);
    let [id, fence, claim_token] = holder(claim);
    let binds = [
        id,
        fence,
        claim_token,
        expires_at.micros().into(),
        Bind::Integer(answer.status),
        Bind::Text(answer.headers.as_deref()),
        Bind::Bytes(answer.body),
        Bind::Bytes(answer.reference),
    ];
    one_row(conn.execute(COMPLETE, &binds).await?)
}

pub(super) async fn release<C: Table>(conn: &mut C, claim: &Claim) -> Result<(), Error> {
    one_row(conn.execute(RELEASE, &holder(claim)).await?)
}

pub(super) async fn extend<C: Table>(
    conn: &mut C,
    claim: &Claim,
    lease_until: StoreTime,
) -> Result<(), Error> {
    let [id, fence, claim_token] = holder(claim);
    one_row(conn.execute(EXTEND, &[id, fence, claim_token, lease_until.micros().into()]).await?)
}

fn holder(claim: &Claim) -> [Bind<'_>; 3] {
    [claim.id.as_bytes().into(), integer(claim.proof.fence).into(), claim.proof.claim_token.as_bytes().into()]
}

fn one_row(rows: u64) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Raced) }
}
