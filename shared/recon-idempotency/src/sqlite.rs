//! Keys in SQLite.
//!
//! Every verb works on a connection on which the caller has opened a transaction with `begin immediate`, and leaves
//! commit and rollback to the caller: so an effect in the same database and its key are one. The clock is the database's.
//!
//! A transaction around which a request handler's future is dropped may return to its pool still open; callers run
//! their transactions on a task of their own.

mod table;

use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;

use self::table::{AnswerColumns, Found, Written, integer, one_row, read, write};
use crate::transition::{Decision, Event, Proof, SeedOf, Standing, decide};
use crate::{
    Claim, ClaimOutcome, ClaimToken, Claimed, Completion, Entry, EntryState, Extension, Guard, Held,
    IdempotencyKey, RecordId, Release, Scope, Seed, StoreTime, StoredResponse, Unanswered, Unstorable,
};

/// The table, for the migration sequence of the database that holds it.
pub const MIGRATION: &str = include_str!("sqlite/idempotency_keys.sql");

const COMPLETE: &str = "-- idempotency_keys_complete
update idempotency_keys set state = 'completed', lease_until = null, expires_at = ?4, status = ?5, headers = ?6,
    body = ?7, reference = ?8
where id = ?1 and fence = ?2 and claim_token = ?3 and state = 'in_progress'";

const RELEASE: &str = "-- idempotency_keys_release
delete from idempotency_keys where id = ?1 and fence = ?2 and claim_token = ?3 and state = 'in_progress'";

const EXTEND: &str = "-- idempotency_keys_extend
update idempotency_keys set lease_until = ?4, expires_at = max(expires_at, ?4)
where id = ?1 and fence = ?2 and claim_token = ?3 and state = 'in_progress'";

const PURGE: &str = "-- idempotency_keys_purge
delete from idempotency_keys where id in (
    select id from idempotency_keys
    where expires_at <= cast(round(unixepoch('subsec') * 1000) as integer) * 1000
    order by expires_at limit ?1
)";

/// Why a verb failed. The caller's transaction has to be rolled back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database failed.
    #[error("the idempotency record could not be read or written")]
    Database(#[from] sqlx::Error),
    /// The answer must not be kept.
    #[error(transparent)]
    Unstorable(#[from] Unstorable),
    /// A record holds what no version of this library writes.
    #[error("the idempotency record has an unreadable {column}")]
    Corrupt {
        /// The column.
        column: &'static str,
    },
    /// The record changed between reading and writing: the caller's transaction was not opened with `begin immediate`.
    #[error("the idempotency record changed inside the transaction")]
    Raced,
    /// The operating system gave no random numbers.
    #[error("no random numbers for an idempotency record")]
    Random(#[from] getrandom::Error),
}

/// Runs a local effect at most once for its key: the effect, the key and the answer are one transaction, so there is no
/// time at which the key is held and nothing is done. The answer is stored with the effect. When the effect
/// fails, the caller rolls back, and no key remains.
///
/// # Errors
/// The effect's, and [`Error`] through `E`. After either the caller must roll back.
pub async fn guarded<T, E, F>(
    conn: &mut SqliteConnection,
    guard: &Guard<T>,
    effect: F,
) -> Result<ClaimOutcome<T>, E>
where
    E: From<Error>,
    F: for<'a> FnOnce(&'a mut SqliteConnection) -> BoxFuture<'a, Result<T, E>>,
{
    let request = guard.request();
    let (found, now) = read(conn, request.record_id()).await?;
    let claim = match begin(found, request, now)? {
        Claimed::Run(claim) => claim,
        Claimed::Held(held) => return Ok(held.into()),
    };
    let value = effect(conn).await?;
    let response = guard.render(&value);
    let written = Written::Completed { response: &response, expires_at: now.plus(request.retention) };
    write(conn, request, &claim, &written).await?;
    Ok(ClaimOutcome::Fresh { value, response })
}

/// Asks for the right to run a remote effect for `lease`. The record is committed before the work begins.
///
/// # Errors
/// [`Error`].
pub async fn claim(
    conn: &mut SqliteConnection,
    request: &Unanswered,
    lease: Duration,
) -> Result<Claimed, Error> {
    let (found, now) = read(conn, request.record_id()).await?;
    let claimed = begin(found, request, now)?;
    if let Claimed::Run(claim) = &claimed {
        let lease_until = now.plus(lease);
        let expires_at = lease_until.max(now.plus(request.retention));
        write(conn, request, claim, &Written::InProgress { lease_until, expires_at }).await?;
    }
    Ok(claimed)
}

/// Ends a claim with its answer.
///
/// # Errors
/// [`Error::Unstorable`] for an answer that must not be kept, and the other [`Error`]s.
pub async fn complete(
    conn: &mut SqliteConnection,
    claim: &Claim,
    response: &StoredResponse,
) -> Result<Completion, Error> {
    response.storable()?;
    let (found, now) = read(conn, claim.id).await?;
    match decide(found.as_ref().map(|found| &found.record), &Event::Complete(claim.proof), now) {
        Decision::Apply => {}
        Decision::Lost(standing) => {
            return Ok(Completion::Lost(standing.map(|standing| held(standing, found)).transpose()?));
        }
        Decision::Run { .. } | Decision::Answer(_) => return Err(Error::Raced),
    }
    let expires_at = now.plus(claim.retention);
    let columns = AnswerColumns::of(response);
    let query = sqlx::query(COMPLETE)
        .bind(claim.id.as_bytes().as_slice())
        .bind(integer(claim.proof.fence))
        .bind(claim.proof.claim_token.as_bytes().as_slice())
        .bind(expires_at.micros())
        .bind(columns.status)
        .bind(columns.headers)
        .bind(columns.body)
        .bind(columns.reference);
    one_row(query.execute(conn).await?.rows_affected())?;
    Ok(Completion::Stored { expires_at })
}

/// Gives a claim back whose work surely had no effect, so that a retry runs.
///
/// # Errors
/// [`Error`].
pub async fn release(conn: &mut SqliteConnection, claim: &Claim) -> Result<Release, Error> {
    let (found, now) = read(conn, claim.id).await?;
    match decide(found.as_ref().map(|found| &found.record), &Event::Release(claim.proof), now) {
        Decision::Apply => {}
        Decision::Lost(_) => return Ok(Release::Lost),
        Decision::Run { .. } | Decision::Answer(_) => return Err(Error::Raced),
    }
    let query = sqlx::query(RELEASE)
        .bind(claim.id.as_bytes().as_slice())
        .bind(integer(claim.proof.fence))
        .bind(claim.proof.claim_token.as_bytes().as_slice());
    one_row(query.execute(conn).await?.rows_affected())?;
    Ok(Release::Released)
}

/// Moves the end of the lease to `lease` from now: the heartbeat of work that takes longer than one lease.
///
/// # Errors
/// [`Error`].
pub async fn extend(conn: &mut SqliteConnection, claim: &Claim, lease: Duration) -> Result<Extension, Error> {
    let (found, now) = read(conn, claim.id).await?;
    match decide(found.as_ref().map(|found| &found.record), &Event::Extend(claim.proof), now) {
        Decision::Apply => {}
        Decision::Lost(_) => return Ok(Extension::Lost),
        Decision::Run { .. } | Decision::Answer(_) => return Err(Error::Raced),
    }
    let lease_until = now.plus(lease);
    let query = sqlx::query(EXTEND)
        .bind(claim.id.as_bytes().as_slice())
        .bind(integer(claim.proof.fence))
        .bind(claim.proof.claim_token.as_bytes().as_slice())
        .bind(lease_until.micros());
    one_row(query.execute(conn).await?.rows_affected())?;
    Ok(Extension::Extended { lease_until })
}

/// What a request gets from what its key holds, as [`guarded`] would answer it; `None` when it has to run. It only reads,
/// so any connection does, and a replay takes no lock.
///
/// # Errors
/// [`Error`].
pub async fn look_up(conn: &mut SqliteConnection, request: &Unanswered) -> Result<Option<Held>, Error> {
    let (found, now) = read(conn, request.record_id()).await?;
    match decide(found.as_ref().map(|found| &found.record), &Event::Request(request.fingerprint), now) {
        Decision::Run { .. } => Ok(None),
        Decision::Answer(standing) => held(standing, found).map(Some),
        Decision::Apply | Decision::Lost(_) => Err(Error::Raced),
    }
}

/// What became of a key; `None` when it is unknown or forgotten. It only reads, so any connection does.
///
/// # Errors
/// [`Error`].
pub async fn find(
    conn: &mut SqliteConnection,
    scope: &Scope,
    key: &IdempotencyKey,
) -> Result<Option<Entry>, Error> {
    let (found, now) = read(conn, RecordId::of(scope, key)).await?;
    let Some(found) = found.filter(|found| found.record.expires_at > now) else {
        return Ok(None);
    };
    let state = match &found.response {
        Some(response) => EntryState::Completed { status: response.status() },
        None => EntryState::InProgress,
    };
    Ok(Some(Entry { method: found.method, path: found.path, state, expires_at: found.record.expires_at }))
}

/// Deletes at most `batch` records that have expired, the oldest first, and says how many it deleted.
///
/// # Errors
/// [`Error`].
pub async fn purge_expired(conn: &mut SqliteConnection, batch: u32) -> Result<u64, Error> {
    Ok(sqlx::query(PURGE).bind(i64::from(batch)).execute(conn).await?.rows_affected())
}

/// What a request for this key gets, before anything is written.
fn begin(found: Option<Found>, request: &Unanswered, now: StoreTime) -> Result<Claimed, Error> {
    let event = Event::Request(request.fingerprint);
    let (fence, seed) = match decide(found.as_ref().map(|found| &found.record), &event, now) {
        Decision::Run { fence, seed } => (fence, seed),
        Decision::Answer(standing) => return Ok(Claimed::Held(held(standing, found)?)),
        Decision::Apply | Decision::Lost(_) => return Err(Error::Raced),
    };
    let seed = match (seed, found) {
        (SeedOf::Record, Some(found)) => found.seed,
        (SeedOf::New, _) | (SeedOf::Record, None) => Seed::random()?,
    };
    let proof = Proof { fingerprint: request.fingerprint, fence, claim_token: ClaimToken::random()? };
    Ok(Claimed::Run(Claim { id: request.record_id(), proof, seed, retention: request.retention }))
}

fn held(standing: Standing, found: Option<Found>) -> Result<Held, Error> {
    match standing {
        Standing::Mismatch => Ok(Held::Mismatch),
        Standing::InFlight { retry_after } => Ok(Held::InFlight { retry_after }),
        Standing::Replay => {
            let found = found.ok_or(Error::Corrupt { column: "id" })?;
            let response = found.response.ok_or(Error::Corrupt { column: "status" })?;
            Ok(Held::Replay { response, expires_at: found.record.expires_at })
        }
    }
}
