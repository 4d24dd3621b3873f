//! Keys in the memory of one process, for tests and for a single process whose keys may go with it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use crate::found::{self, Drawn, Ending, Found};
use crate::metrics::StoreKind;
use crate::transition::{Event, Record, State};
use crate::{
    Claim, ClaimStore, Claimed, Completion, Entry, Error, Extension, Held, IdempotencyKey, RecordId, Release,
    Scope, StoreTime, StoredResponse, Unanswered,
};

const KIND: StoreKind = StoreKind::Memory;

/// Claims behind a mutex.
pub struct Store {
    records: Mutex<HashMap<RecordId, Found>>,
    clock: Box<dyn Fn() -> StoreTime + Send + Sync>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// An empty one on this clock.
    #[must_use]
    pub fn new(clock: impl Fn() -> StoreTime + Send + Sync + 'static) -> Self {
        Self { records: Mutex::default(), clock: Box::new(clock) }
    }

    /// Nothing can panic half way through a change, so a poisoned lock guards whole records.
    fn with<T>(&self, change: impl FnOnce(&mut HashMap<RecordId, Found>, StoreTime) -> T) -> T {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut records, (self.clock)())
    }

    /// Changes the record of a claim, if the claim still holds it.
    fn end<T>(
        &self,
        claim: &Claim,
        event: &Event,
        apply: impl FnOnce(&mut HashMap<RecordId, Found>, StoreTime) -> Result<T, Error>,
        lost: impl FnOnce(Option<Held>) -> T,
    ) -> Result<T, Error> {
        self.with(|records, now| match found::end(records.get(&claim.id).cloned(), event, now)? {
            Ending::Apply => apply(records, now),
            Ending::Lost(held) => Ok(lost(held)),
            Ending::EndLease => Err(Error::Raced),
        })
    }

    fn claim_now(&self, request: &Unanswered, lease: Duration) -> Result<Claimed, Error> {
        self.with(|records, now| {
            let found = records.get(&request.record_id()).cloned();
            let claimed = found::begin(found, request, now, Drawn::random)?;
            if let Claimed::Run(claim) = &claimed {
                let lease_until = now.plus(lease);
                let record = Record {
                    fingerprint: request.fingerprint,
                    fence: claim.proof.fence,
                    claim_token: claim.proof.claim_token,
                    state: State::InProgress { lease_until },
                    expires_at: lease_until.max(now.plus(request.retention)),
                };
                let (method, path) = (request.method.clone(), request.path.clone());
                records.insert(claim.id, Found { record, seed: claim.seed, method, path, response: None });
            }
            Ok(claimed)
        })
    }

    fn complete_now(&self, claim: &Claim, response: &StoredResponse) -> Result<Completion, Error> {
        response.storable()?;
        let apply = |records: &mut HashMap<RecordId, Found>, now: StoreTime| {
            let found = records.get_mut(&claim.id).ok_or(Error::Raced)?;
            found.record.state = State::Completed;
            found.record.expires_at = now.plus(claim.retention);
            found.response = Some(response.clone());
            Ok(Completion::Stored { expires_at: found.record.expires_at })
        };
        self.end(claim, &Event::Complete(claim.proof), apply, Completion::Lost)
    }

    fn release_now(&self, claim: &Claim) -> Result<Release, Error> {
        let event = Event::Release(claim.proof);
        self.with(|records, now| match found::end(records.get(&claim.id).cloned(), &event, now)? {
            Ending::Apply => {
                records.remove(&claim.id);
                Ok(Release::Released)
            }
            Ending::EndLease => {
                let found = records.get_mut(&claim.id).ok_or(Error::Raced)?;
                found.record.state = State::InProgress { lease_until: now };
                Ok(Release::Released)
            }
            Ending::Lost(_) => Ok(Release::Lost),
        })
    }

    fn extend_now(&self, claim: &Claim, lease: Duration) -> Result<Extension, Error> {
        let apply = |records: &mut HashMap<RecordId, Found>, now: StoreTime| {
            let found = records.get_mut(&claim.id).ok_or(Error::Raced)?;
            let lease_until = now.plus(lease);
            found.record.state = State::InProgress { lease_until };
            found.record.expires_at = found.record.expires_at.max(lease_until);
            Ok(Extension::Extended { lease_until })
        };
        self.end(claim, &Event::Extend(claim.proof), apply, |_| Extension::Lost)
    }

    fn purge_now(&self, batch: u32) -> u64 {
        self.with(|records, now| {
            let expired = records.iter().filter(|(_, found)| found.record.expires_at <= now);
            let mut oldest: Vec<_> = expired.map(|(id, found)| (found.record.expires_at, *id)).collect();
            oldest.sort_unstable_by_key(|(expires_at, _)| *expires_at);
            let ids = oldest.into_iter().take(usize::try_from(batch).unwrap_or(usize::MAX));
            let purged = ids.filter(|(_, id)| records.remove(id).is_some()).count();
            u64::try_from(purged).unwrap_or(u64::MAX)
        })
    }
}

impl ClaimStore for Store {
    fn claim<'a>(
        &'a self,
        request: &'a Unanswered,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claimed, Error>> {
        let claimed = self.claim_now(request, lease);
        KIND.claimed(&claimed);
        ready(claimed).boxed()
    }

    fn complete<'a>(
        &'a self,
        claim: &'a Claim,
        response: &'a StoredResponse,
    ) -> BoxFuture<'a, Result<Completion, Error>> {
        let completed = self.complete_now(claim, response);
        KIND.completed(claim, &completed);
        ready(completed).boxed()
    }

    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Release, Error>> {
        let released = self.release_now(claim);
        KIND.released(&released);
        ready(released).boxed()
    }

    fn extend<'a>(&'a self, claim: &'a Claim, lease: Duration) -> BoxFuture<'a, Result<Extension, Error>> {
        let extended = self.extend_now(claim, lease);
        KIND.extended(&extended);
        ready(extended).boxed()
    }

    fn look_up<'a>(&'a self, request: &'a Unanswered) -> BoxFuture<'a, Result<Option<Held>, Error>> {
        let held = self
            .with(|records, now| found::look_up(records.get(&request.record_id()).cloned(), request, now));
        ready(held).boxed()
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        key: &'a IdempotencyKey,
    ) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        let entry =
            self.with(|records, now| found::entry(records.get(&RecordId::of(scope, key)).cloned(), now));
        ready(Ok(entry)).boxed()
    }

    fn purge_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, Error>> {
        ready(Ok(self.purge_now(batch))).boxed()
    }
}
