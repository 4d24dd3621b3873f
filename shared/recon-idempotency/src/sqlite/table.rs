//! The table: one statement that reads a record, and one that writes a claim.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::Error;
use crate::transition::{Record, State};
use crate::{Body, Claim, ClaimToken, Fingerprint, RecordId, Seed, StoreTime, StoredResponse, Unanswered};

const IN_PROGRESS: &str = "in_progress";
const COMPLETED: &str = "completed";

/// One row always: the clock, and beside it the record where there is one.
const READ: &str = "-- idempotency_keys_read
select cast(round(unixepoch('subsec') * 1000) as integer) * 1000 as now, k.*
from (select 1) left join idempotency_keys k on k.id = ?1";

/// The fence makes the write fail, and not win, when the record changed since it was read.
const CLAIM: &str = "-- idempotency_keys_claim
insert into idempotency_keys (id, fingerprint, method, path, state, fence, claim_token, seed, lease_until, expires_at,
    status, headers, body, reference)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
on conflict (id) do update set fingerprint = excluded.fingerprint, method = excluded.method, path = excluded.path,
    state = excluded.state, fence = excluded.fence, claim_token = excluded.claim_token, seed = excluded.seed,
    lease_until = excluded.lease_until, expires_at = excluded.expires_at, status = excluded.status,
    headers = excluded.headers, body = excluded.body, reference = excluded.reference
where idempotency_keys.fence = excluded.fence - 1";

/// A row of the table.
pub(super) struct Found {
    pub(super) record: Record,
    pub(super) seed: Seed,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) response: Option<StoredResponse>,
}

/// What a new claim is written as.
pub(super) enum Written<'a> {
    InProgress { lease_until: StoreTime, expires_at: StoreTime },
    Completed { response: &'a StoredResponse, expires_at: StoreTime },
}

/// The columns of an answer.
#[derive(Default)]
pub(super) struct AnswerColumns<'a> {
    pub(super) status: Option<i64>,
    pub(super) headers: Option<String>,
    pub(super) body: Option<&'a [u8]>,
    pub(super) reference: Option<&'a [u8]>,
}

impl<'a> AnswerColumns<'a> {
    pub(super) fn of(response: &'a StoredResponse) -> Self {
        let (body, reference) = match response.body() {
            Body::Inline(bytes) => (Some(bytes.as_slice()), None),
            Body::Reference(id) => (None, Some(id.as_bytes().as_slice())),
        };
        let headers = serde_json::json!(response.headers()).to_string();
        Self { status: Some(i64::from(response.status())), headers: Some(headers), body, reference }
    }
}

pub(super) async fn write(
    conn: &mut SqliteConnection,
    request: &Unanswered,
    claim: &Claim,
    written: &Written<'_>,
) -> Result<(), Error> {
    let (state, lease_until, expires_at, columns) = match written {
        Written::InProgress { lease_until, expires_at } => {
            (IN_PROGRESS, Some(lease_until.micros()), expires_at, AnswerColumns::default())
        }
        Written::Completed { response, expires_at } => {
            response.storable()?;
            (COMPLETED, None, expires_at, AnswerColumns::of(response))
        }
    };
    let query = sqlx::query(CLAIM)
        .bind(claim.id.as_bytes().as_slice())
        .bind(request.fingerprint.as_bytes().as_slice())
        .bind(&request.method)
        .bind(&request.path)
        .bind(state)
        .bind(integer(claim.proof.fence))
        .bind(claim.proof.claim_token.as_bytes().as_slice())
        .bind(claim.seed.as_bytes().as_slice())
        .bind(lease_until)
        .bind(expires_at.micros())
        .bind(columns.status)
        .bind(columns.headers)
        .bind(columns.body)
        .bind(columns.reference);
    one_row(query.execute(conn).await?.rows_affected())
}

pub(super) async fn read(
    conn: &mut SqliteConnection,
    id: RecordId,
) -> Result<(Option<Found>, StoreTime), Error> {
    let row = sqlx::query(READ).bind(id.as_bytes().as_slice()).fetch_one(conn).await?;
    let now = StoreTime::from_micros(row.try_get("now")?);
    let state: Option<String> = row.try_get("state")?;
    let found = state.map(|state| from_row(&row, &state)).transpose()?;
    Ok((found, now))
}

fn from_row(row: &SqliteRow, state: &str) -> Result<Found, Error> {
    let (state, response) = match state {
        IN_PROGRESS => {
            (State::InProgress { lease_until: StoreTime::from_micros(row.try_get("lease_until")?) }, None)
        }
        COMPLETED => (State::Completed, Some(response(row)?)),
        _ => return Err(Error::Corrupt { column: "state" }),
    };
    let fence: i64 = row.try_get("fence")?;
    let record = Record {
        fingerprint: Fingerprint::from_bytes(bytes(row, "fingerprint")?),
        fence: u64::try_from(fence).map_err(|_| Error::Corrupt { column: "fence" })?,
        claim_token: ClaimToken::from_bytes(bytes(row, "claim_token")?),
        state,
        expires_at: StoreTime::from_micros(row.try_get("expires_at")?),
    };
    let seed = Seed::from_bytes(bytes(row, "seed")?);
    Ok(Found { record, seed, method: row.try_get("method")?, path: row.try_get("path")?, response })
}

fn response(row: &SqliteRow) -> Result<StoredResponse, Error> {
    let status: i64 = row.try_get("status")?;
    let status = u16::try_from(status).map_err(|_| Error::Corrupt { column: "status" })?;
    let headers: String = row.try_get("headers")?;
    let headers: Vec<(String, String)> =
        serde_json::from_str(&headers).map_err(|_| Error::Corrupt { column: "headers" })?;
    match row.try_get::<Option<Vec<u8>>, _>("body")? {
        Some(body) => Ok(StoredResponse::new(status, headers, body)),
        None => {
            let id = Uuid::from_bytes(bytes(row, "reference")?);
            Ok(StoredResponse::reference(status, headers, id))
        }
    }
}

fn bytes<const N: usize>(row: &SqliteRow, column: &'static str) -> Result<[u8; N], Error> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|_| Error::Corrupt { column })
}

/// A fence as SQLite keeps it: no record is ever claimed 2^63 times.
pub(super) fn integer(fence: u64) -> i64 {
    i64::try_from(fence).unwrap_or(i64::MAX)
}

pub(super) fn one_row(rows: u64) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Raced) }
}
