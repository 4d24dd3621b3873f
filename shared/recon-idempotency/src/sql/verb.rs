//! The verbs, inside a transaction that the caller has opened.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Table;
use super::statement::{self, Written, write};
use crate::found::{self, Drawn, Ending};
use crate::transition::Event;
use crate::{
    Claim, ClaimOutcome, Claimed, Completion, Entry, Error, Extension, Guard, Held, IdempotencyKey, RecordId,
    Release, Scope, StoredResponse, Unanswered,
};

pub(crate) async fn guarded<C, T, E, F>(
    conn: &mut C,
    guard: &Guard<T>,
    effect: F,
) -> Result<ClaimOutcome<T>, E>
where
    C: Table,
    E: From<Error>,
    F: for<'a> FnOnce(&'a mut C) -> BoxFuture<'a, Result<T, E>>,
{
    let request = guard.request();
    fail::fail_point!("idempotency-before-claim");
    let (found, now) = conn.reserve(request.record_id()).await?;
    let claim = match found::begin(found, request, now, Drawn::random)? {
        Claimed::Run(claim) => claim,
        Claimed::Held(held) => return Ok(held.into()),
    };
    fail::fail_point!("idempotency-after-claim");
    let value = effect(conn).await?;
    fail::fail_point!("idempotency-before-complete");
    let response = guard.render(&value);
    let written = Written::Completed { response: &response, expires_at: now.plus(request.retention) };
    write(conn, request, &claim, written).await?;
    fail::fail_point!("idempotency-after-complete");
    Ok(ClaimOutcome::Fresh { value, response })
}

pub(crate) async fn claim<C: Table>(
    conn: &mut C,
    request: &Unanswered,
    lease: Duration,
) -> Result<Claimed, Error> {
    let (found, now) = conn.reserve(request.record_id()).await?;
    let claimed = found::begin(found, request, now, Drawn::random)?;
    if let Claimed::Run(claim) = &claimed {
        let lease_until = now.plus(lease);
        let expires_at = lease_until.max(now.plus(request.retention));
        write(conn, request, claim, Written::InProgress { lease_until, expires_at }).await?;
    }
    Ok(claimed)
}

pub(crate) async fn complete<C: Table>(
    conn: &mut C,
    claim: &Claim,
    response: &StoredResponse,
) -> Result<Completion, Error> {
    response.storable()?;
    let (found, now) = conn.lock(claim.id).await?;
    match found::end(found, &Event::Complete(claim.proof), now)? {
        Ending::Apply => {
            let expires_at = now.plus(claim.retention);
            statement::complete(conn, claim, response, expires_at).await?;
            Ok(Completion::Stored { expires_at })
        }
        Ending::Lost(held) => Ok(Completion::Lost(held)),
        Ending::EndLease => Err(Error::Raced),
    }
}

pub(crate) async fn release<C: Table>(conn: &mut C, claim: &Claim) -> Result<Release, Error> {
    let (found, now) = conn.lock(claim.id).await?;
    match found::end(found, &Event::Release(claim.proof), now)? {
        Ending::Apply => {
            statement::release(conn, claim).await?;
            Ok(Release::Released)
        }
        Ending::EndLease => {
            statement::extend(conn, claim, now).await?;
            Ok(Release::Released)
        }
        Ending::Lost(_) => Ok(Release::Lost),
    }
}

pub(crate) async fn extend<C: Table>(
    conn: &mut C,
    claim: &Claim,
    lease: Duration,
) -> Result<Extension, Error> {
    let (found, now) = conn.lock(claim.id).await?;
    match found::end(found, &Event::Extend(claim.proof), now)? {
        Ending::Apply => {
            let lease_until = now.plus(lease);
            statement::extend(conn, claim, lease_until).await?;
            Ok(Extension::Extended { lease_until })
        }
        Ending::Lost(_) => Ok(Extension::Lost),
        Ending::EndLease => Err(Error::Raced),
    }
}

pub(crate) async fn look_up<C: Table>(conn: &mut C, request: &Unanswered) -> Result<Option<Held>, Error> {
    let (found, now) = conn.read(request.record_id()).await?;
    found::look_up(found, request, now)
}

pub(crate) async fn find<C: Table>(
    conn: &mut C,
    scope: &Scope,
    key: &IdempotencyKey,
) -> Result<Option<Entry>, Error> {
    let (found, now) = conn.read(RecordId::of(scope, key)).await?;
    Ok(found::entry(found, now))
}

pub(crate) async fn purge_expired<C: Table>(conn: &mut C, batch: u32) -> Result<u64, Error> {
    conn.execute(C::PURGE, &[i64::from(batch).into()]).await
}

/// The verbs of a module as functions on its connections.
macro_rules! verbs {
    ($connection:ty) => {
        /// Runs a local effect at most once for its key: the effect, the key and the answer are one transaction, so there is no
        /// time at which the key is held and nothing is done. The answer is stored with the effect. When the effect
        /// fails, the caller rolls back, and no key remains.
        ///
        /// # Errors
        /// The effect's, and [`Error`] through `E`. After either the caller must roll back.
        pub async fn guarded<T, E, F>(
            conn: &mut $connection,
            guard: &Guard<T>,
            effect: F,
        ) -> Result<ClaimOutcome<T>, E>
        where
            E: From<Error>,
            F: for<'a> FnOnce(&'a mut $connection) -> BoxFuture<'a, Result<T, E>>,
        {
            sql::guarded(conn, guard, effect).await
        }

        /// Asks for the right to run a remote effect for `lease`. The record is committed before the work begins.
        ///
        /// # Errors
        /// [`Error`].
        pub async fn claim(
            conn: &mut $connection,
            request: &Unanswered,
            lease: Duration,
        ) -> Result<Claimed, Error> {
            sql::claim(conn, request, lease).await
        }

        /// Ends a claim with its answer.
        ///
        /// # Errors
        /// [`Error::Unstorable`] for an answer that must not be kept, and the other [`Error`]s.
        pub async fn complete(
            conn: &mut $connection,
            claim: &Claim,
            response: &StoredResponse,
        ) -> Result<Completion, Error> {
            sql::complete(conn, claim, response).await
        }

        /// Gives a claim back whose work surely had no effect, so that a retry runs.
        ///
        /// # Errors
        /// [`Error`].
        pub async fn release(conn: &mut $connection, claim: &Claim) -> Result<Release, Error> {
            sql::release(conn, claim).await
        }

        /// Moves the end of the lease to `lease` from now: the heartbeat of work that takes longer than one lease.
        ///
        /// # Errors
        /// [`Error`].
        pub async fn extend(
            conn: &mut $connection,
            claim: &Claim,
            lease: Duration,
        ) -> Result<Extension, Error> {
            sql::extend(conn, claim, lease).await
        }

        /// What a request gets from what its key holds, as [`guarded`] would answer it; `None` when it has to run. It only
        /// reads, so any connection does, and a replay takes no lock.
        ///
        /// # Errors
        /// [`Error`].
        pub async fn look_up(conn: &mut $connection, request: &Unanswered) -> Result<Option<Held>, Error> {
            sql::look_up(conn, request).await
        }

        /// What became of a key; `None` when it is unknown or forgotten. It only reads, so any connection does.
        ///
        /// # Errors
        /// [`Error`].
        pub async fn find(
            conn: &mut $connection,
            scope: &Scope,
            key: &IdempotencyKey,
        ) -> Result<Option<Entry>, Error> {
            sql::find(conn, scope, key).await
        }

        /// Deletes at most `batch` records that have expired, the oldest first, and says how many it deleted.
        ///
        /// # Errors
        /// [`Error`].
        pub async fn purge_expired(conn: &mut $connection, batch: u32) -> Result<u64, Error> {
            sql::purge_expired(conn, batch).await
        }
    };
}
pub(crate) use verbs;
