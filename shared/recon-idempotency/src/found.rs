//! What the decisions of [`decide`] mean for a record that a store has read: the same in every store.

use std::time::Instant;

use crate::transition::{Decision, Event, Proof, Record, SeedOf, Standing, decide};
use crate::{
    Claim, ClaimToken, Claimed, Entry, EntryState, Error, Held, Seed, StoreTime, StoredResponse, Unanswered,
};

/// A record as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) record: Record,
    pub(crate) seed: Seed,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) response: Option<StoredResponse>,
}

/// What a new claim is made of.
pub(crate) struct Drawn {
    pub(crate) claim_token: ClaimToken,
    pub(crate) seed: Seed,
}

impl Drawn {
    pub(crate) fn random() -> Result<Self, Error> {
        Ok(Self { claim_token: ClaimToken::random()?, seed: Seed::random()? })
    }
}

/// Whether a holder may end its claim.
pub(crate) enum Ending {
    /// It may.
    Apply,
    /// It gives up what it took over: the record stays, and its lease ends now.
    EndLease,
    /// Its claim was lost, and this is what its request would be told now.
    Lost(Option<Held>),
}

/// What a request for this key gets, before anything is written. `draw` gives what a claim is made of, if there is one.
pub(crate) fn begin(
    found: Option<Found>,
    request: &Unanswered,
    now: StoreTime,
    draw: impl FnOnce() -> Result<Drawn, Error>,
) -> Result<Claimed, Error> {
    let event = Event::Request(request.fingerprint);
    let (fence, seed) = match decide(found.as_ref().map(|found| &found.record), &event, now) {
        Decision::Run { fence, seed } => (fence, seed),
        Decision::Answer(standing) => return Ok(Claimed::Held(held(standing, found)?)),
        Decision::Apply | Decision::EndLease | Decision::Lost(_) => return Err(Error::Raced),
    };
    let drawn = draw()?;
    let is_takeover = seed == SeedOf::Record;
    let seed = match (seed, found) {
        (SeedOf::Record, Some(found)) => found.seed,
        (SeedOf::New, _) | (SeedOf::Record, None) => drawn.seed,
    };
    let proof = Proof { fingerprint: request.fingerprint, fence, claim_token: drawn.claim_token };
    let (id, retention, since) = (request.record_id(), request.retention, Instant::now());
    Ok(Claimed::Run(Claim { id, proof, seed, retention, is_takeover, since }))
}

/// What a request gets from what its key holds; `None` when it has to run.
pub(crate) fn look_up(
    found: Option<Found>,
    request: &Unanswered,
    now: StoreTime,
) -> Result<Option<Held>, Error> {
    let event = Event::Request(request.fingerprint);
    match decide(found.as_ref().map(|found| &found.record), &event, now) {
        Decision::Run { .. } => Ok(None),
        Decision::Answer(standing) => held(standing, found).map(Some),
        Decision::Apply | Decision::EndLease | Decision::Lost(_) => Err(Error::Raced),
    }
}

/// Whether a holder's event has an effect.
pub(crate) fn end(found: Option<Found>, event: &Event, now: StoreTime) -> Result<Ending, Error> {
    match decide(found.as_ref().map(|found| &found.record), event, now) {
        Decision::Apply => Ok(Ending::Apply),
        Decision::EndLease => Ok(Ending::EndLease),
        Decision::Lost(standing) => {
            Ok(Ending::Lost(standing.map(|standing| held(standing, found)).transpose()?))
        }
        Decision::Run { .. } | Decision::Answer(_) => Err(Error::Raced),
    }
}

/// What the key's owner may see of the record.
pub(crate) fn entry(found: Option<Found>, now: StoreTime) -> Option<Entry> {
    let found = found.filter(|found| found.record.expires_at > now)?;
    let state = match &found.response {
        Some(response) => EntryState::Completed { status: response.status() },
        None => EntryState::InProgress,
    };
    Some(Entry { method: found.method, path: found.path, state, expires_at: found.record.expires_at })
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
