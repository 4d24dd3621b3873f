//! Stores with a fault each: the real one over SQLite, and statements of another kind beside it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use recon_idempotency::{
    Body, Claim, ClaimStore, Claimed, Completion, Entry, Error, Extension, Held, IdempotencyKey, RecordId,
    Release, Scope, StoreTime, StoredResponse, Unanswered,
};

use crate::database::{Database, Dialect};
use crate::world::{Backend, World};

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Completes by the key alone.
    CompletesWithoutFence,
    /// Deletes by the key alone.
    ReleasesWithoutFence,
    /// Deletes by key and fence, whatever the state.
    ReleasesWithoutState,
    /// Keeps no end of the lease.
    KeepsNoDeadline,
    /// Completes with a new record, in which the fingerprint is missing.
    DropsTheFingerprint,
    /// Takes a record in this state for the request's own.
    ComparesNotIn(&'static str),
    /// Takes a lease of no time for one of unknown length.
    TakesZeroForUnknown,
    /// Takes seconds for milliseconds.
    TakesSecondsForMilliseconds,
    /// Takes milliseconds for seconds.
    TakesMillisecondsForSeconds,
    /// Holds a claim as long as an answer.
    LeasesForTheRetention,
    /// Its locks are as long as they are.
    IgnoresHeartbeats,
    /// Reads under another key than it writes.
    ReadsElsewhere,
}

struct Faulty {
    fault: Fault,
    right: Arc<dyn ClaimStore>,
    database: Database,
}

/// A world whose store has this fault.
pub(super) async fn world(fault: Fault) -> World {
    let database = Database::open(Dialect::Sqlite).await;
    let store = Faulty { fault, right: database.store(), database: database.clone() };
    World { store: Arc::new(store), backend: Backend::Database(database) }
}

fn blob(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("x'{digits}'")
}

fn is(id: RecordId) -> String {
    format!("id = {}", blob(id.as_bytes()))
}

impl Faulty {
    async fn update(&self, set: &str, id: RecordId) {
        self.database.change(&format!("update idempotency_keys set {set} where {}", is(id))).await;
    }
}

impl ClaimStore for Faulty {
    fn claim<'a>(
        &'a self,
        request: &'a Unanswered,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claimed, Error>> {
        async move {
            let id = request.record_id();
            if let Fault::ComparesNotIn(state) = self.fault {
                let own = blob(request.fingerprint.as_bytes());
                self.update(
                    &format!("fingerprint = case state when '{state}' then {own} else fingerprint end"),
                    id,
                )
                .await;
            }
            let lease = match self.fault {
                Fault::TakesZeroForUnknown if lease.is_zero() => Duration::from_secs(60),
                Fault::TakesSecondsForMilliseconds => lease / 1_000,
                Fault::TakesMillisecondsForSeconds => lease * 1_000,
                Fault::LeasesForTheRetention => request.retention,
                _ => lease,
            };
            let claimed = self.right.claim(request, lease).await?;
            if self.fault == Fault::KeepsNoDeadline && matches!(claimed, Claimed::Run(_)) {
                self.update("lease_until = 0", id).await;
            }
            Ok(claimed)
        }
        .boxed()
    }

    fn complete<'a>(
        &'a self,
        claim: &'a Claim,
        response: &'a StoredResponse,
    ) -> BoxFuture<'a, Result<Completion, Error>> {
        async move {
            let id = claim.record_id();
            if self.fault == Fault::CompletesWithoutFence {
                let Body::Inline(body) = response.body() else { panic!("no reference here") };
                let body = blob(body);
                let set = format!(
                    "state = 'completed', lease_until = null, status = {}, headers = '[]', body = {body}",
                    response.status()
                );
                self.update(&set, id).await;
                let expires_at = self.database.number("select expires_at from idempotency_keys").await;
                return Ok(Completion::Stored { expires_at: StoreTime::from_micros(expires_at) });
            }
            let completion = self.right.complete(claim, response).await?;
            if self.fault == Fault::DropsTheFingerprint {
                self.update("fingerprint = zeroblob(32)", id).await;
            }
            Ok(completion)
        }
        .boxed()
    }

    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Release, Error>> {
        async move {
            let mut delete = format!("delete from idempotency_keys where {}", is(claim.record_id()));
            match self.fault {
                Fault::ReleasesWithoutFence => {}
                Fault::ReleasesWithoutState => delete.push_str(&format!(" and fence = {}", claim.fence())),
                _ => return self.right.release(claim).await,
            }
            self.database.change(&delete).await;
            Ok(Release::Released)
        }
        .boxed()
    }

    fn extend<'a>(&'a self, claim: &'a Claim, lease: Duration) -> BoxFuture<'a, Result<Extension, Error>> {
        match self.fault {
            Fault::IgnoresHeartbeats => {
                std::future::ready(Ok(Extension::Extended { lease_until: StoreTime::from_micros(0) })).boxed()
            }
            _ => self.right.extend(claim, lease),
        }
    }

    fn look_up<'a>(&'a self, request: &'a Unanswered) -> BoxFuture<'a, Result<Option<Held>, Error>> {
        async move {
            let mut request = request.clone();
            if self.fault == Fault::ReadsElsewhere {
                request.key = IdempotencyKey::parse(format!("read:{}", request.key).as_bytes()).unwrap();
            }
            self.right.look_up(&request).await
        }
        .boxed()
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        key: &'a IdempotencyKey,
    ) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.right.find(scope, key)
    }

    fn purge_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, Error>> {
        self.right.purge_expired(batch)
    }
}
