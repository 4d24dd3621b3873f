//! The state machine of a record, as one pure function that every store follows.

use std::time::Duration;

use crate::{ClaimToken, Fingerprint, StoreTime};

/// The longest time that a client is told to wait before it asks again: work usually ends before its lease does.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);
/// The shortest: `Retry-After` counts whole seconds, and zero would be read as none.
pub(crate) const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);

/// What decides about a record: all of it but the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Record {
    /// The request that the key belongs to.
    pub fingerprint: Fingerprint,
    /// Counts the claims.
    pub fence: u64,
    /// Proves the last claim.
    pub claim_token: ClaimToken,
    /// How far it got.
    pub state: State,
    /// When the record counts as absent.
    pub expires_at: StoreTime,
}

/// How far a record got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Somebody holds it until the lease ends.
    InProgress {
        /// The end of the lease: at this very point it has ended.
        lease_until: StoreTime,
    },
    /// The answer is kept.
    Completed,
}

/// What happens to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A request arrives with the key.
    Request(Fingerprint),
    /// A holder has the answer.
    Complete(Proof),
    /// A holder was refused, surely without effect.
    Release(Proof),
    /// A holder needs more time.
    Extend(Proof),
}

/// What a holder shows to end its claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Proof {
    /// The request that it runs.
    pub fingerprint: Fingerprint,
    /// The fence of its claim.
    pub fence: u64,
    /// The token of its claim.
    pub claim_token: ClaimToken,
}

/// What the store has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Write a claim with this fence and let the request run.
    Run {
        /// The fence of the new claim.
        fence: u64,
        /// Which seed it gets.
        seed: SeedOf,
    },
    /// Change nothing; the request gets this answer.
    Answer(Standing),
    /// Do what the holder asks: keep its answer, delete the record, or move the end of the lease.
    Apply,
    /// The holder gives up a record that it took over: let the lease end now and keep the record. Whoever held it before may
    /// still be having its effect, so the next one has to repeat the same ids.
    EndLease,
    /// Change nothing: the claim is not the record's last one, or the record is completed. What a request like the
    /// holder's would be told now, or nothing when the record is gone.
    Lost(Option<Standing>),
}

/// The seed of a new claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SeedOf {
    /// A new request: a new seed.
    New,
    /// A takeover: the record's seed, so that derived ids repeat.
    Record,
}

/// What a live record says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The stored answer.
    Replay,
    /// Ask again later.
    InFlight {
        /// When: at least a second, at most five.
        retry_after: Duration,
    },
    /// The key belongs to another request.
    Mismatch,
}

/// Decides about an event. `record` is what the store has under the key, expired or not; `now` is on the store's clock.
#[must_use]
pub fn decide(record: Option<&Record>, event: &Event, now: StoreTime) -> Decision {
    let live = record.filter(|record| record.expires_at > now);
    match event {
        Event::Request(fingerprint) => match live {
            None => {
                let fence = record.map_or(0, |expired| expired.fence).saturating_add(1);
                Decision::Run { fence, seed: SeedOf::New }
            }
            Some(record) => request(record, fingerprint, now),
        },
        Event::Complete(proof) | Event::Release(proof) | Event::Extend(proof) => match live {
            Some(record) if holds(record, proof) => match event {
                Event::Release(_) if record.fence > 1 => Decision::EndLease,
                Event::Release(_) | Event::Complete(_) | Event::Extend(_) | Event::Request(_) => {
                    Decision::Apply
                }
            },
            live => Decision::Lost(live.map(|record| standing(record, &proof.fingerprint, now))),
        },
    }
}

fn request(record: &Record, fingerprint: &Fingerprint, now: StoreTime) -> Decision {
    match (standing(record, fingerprint, now), record.state) {
        (Standing::InFlight { .. }, State::InProgress { lease_until }) if lease_until <= now => {
            Decision::Run { fence: record.fence.saturating_add(1), seed: SeedOf::Record }
        }
        (standing, _) => Decision::Answer(standing),
    }
}

/// The fence alone does not do: a record that was purged and made again counts from one. The state has to be
/// looked at as well: a completed record is never opened again.
fn holds(record: &Record, proof: &Proof) -> bool {
    let in_progress = matches!(record.state, State::InProgress { .. });
    in_progress && record.fence == proof.fence && record.claim_token == proof.claim_token
}

/// The fingerprint comes first, so that what another request is told never depends on timing.
fn standing(record: &Record, fingerprint: &Fingerprint, now: StoreTime) -> Standing {
    if record.fingerprint != *fingerprint {
        return Standing::Mismatch;
    }
    match record.state {
        State::Completed => Standing::Replay,
        State::InProgress { lease_until } => {
            let retry_after = lease_until.since(now).clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX);
            Standing::InFlight { retry_after }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: StoreTime = StoreTime::from_micros(1_000_000_000);
    const MINE: Fingerprint = Fingerprint::from_bytes([1; 32]);
    const OTHER: Fingerprint = Fingerprint::from_bytes([2; 32]);
    const TOKEN: ClaimToken = ClaimToken::from_bytes([3; 16]);
    const PROOF: Proof = Proof { fingerprint: MINE, fence: 4, claim_token: TOKEN };

    fn at(seconds: i64) -> StoreTime {
        StoreTime::from_micros(NOW.micros() + seconds * 1_000_000)
    }

    fn record(state: State, expires_at: StoreTime) -> Record {
        Record { fingerprint: MINE, fence: 4, claim_token: TOKEN, state, expires_at }
    }

    fn running(lease: i64) -> Record {
        record(State::InProgress { lease_until: at(lease) }, at(100))
    }

    fn in_flight(seconds: u64) -> Standing {
        Standing::InFlight { retry_after: Duration::from_secs(seconds) }
    }

    #[test]
    fn every_request_is_decided_as_the_table_says() {
        let completed = record(State::Completed, at(100));
        let new = |fence| Decision::Run { fence, seed: SeedOf::New };
        let taken = Decision::Run { fence: 5, seed: SeedOf::Record };
        for (found, fingerprint, expected) in [
            (None, MINE, new(1)),
            (Some(record(State::Completed, NOW)), MINE, new(5)),
            (Some(record(State::Completed, at(-1))), OTHER, new(5)),
            (Some(record(State::InProgress { lease_until: at(-1) }, NOW)), OTHER, new(5)),
            (Some(running(10)), OTHER, Decision::Answer(Standing::Mismatch)),
            (Some(running(-10)), OTHER, Decision::Answer(Standing::Mismatch)),
            (Some(completed), OTHER, Decision::Answer(Standing::Mismatch)),
            (Some(running(3)), MINE, Decision::Answer(in_flight(3))),
            (Some(running(60)), MINE, Decision::Answer(in_flight(5))),
            (Some(running(0)), MINE, taken),
            (Some(running(-1)), MINE, taken),
            (Some(completed), MINE, Decision::Answer(Standing::Replay)),
        ] {
            assert_eq!(decide(found.as_ref(), &Event::Request(fingerprint), NOW), expected, "{found:?}");
        }
    }

    #[test]
    fn only_the_last_claim_of_an_open_record_ends_it() {
        let stale = Proof { fence: 3, ..PROOF };
        let forged = Proof { claim_token: ClaimToken::from_bytes([9; 16]), ..PROOF };
        let stranger = Proof { fingerprint: OTHER, fence: 3, ..PROOF };
        let completed = record(State::Completed, at(100));
        let lost = |standing| Decision::Lost(Some(standing));
        for (found, proof, expected) in [
            (Some(running(10)), PROOF, Decision::Apply),
            (Some(running(-10)), PROOF, Decision::Apply),
            (Some(running(10)), stale, lost(in_flight(5))),
            (Some(running(10)), forged, lost(in_flight(5))),
            (Some(running(10)), stranger, lost(Standing::Mismatch)),
            (Some(completed), PROOF, lost(Standing::Replay)),
            (Some(completed), stranger, lost(Standing::Mismatch)),
            (Some(record(State::InProgress { lease_until: at(1) }, NOW)), PROOF, Decision::Lost(None)),
            (None, PROOF, Decision::Lost(None)),
        ] {
            for event in [Event::Complete(proof), Event::Extend(proof)] {
                assert_eq!(decide(found.as_ref(), &event, NOW), expected, "{event:?} {found:?}");
            }
            let expected = if expected == Decision::Apply { Decision::EndLease } else { expected };
            assert_eq!(decide(found.as_ref(), &Event::Release(proof), NOW), expected, "{found:?}");
        }
    }

    #[test]
    fn only_the_first_holder_of_a_record_deletes_it() {
        let first = Record { fence: 1, ..running(10) };
        let proof = Proof { fence: 1, ..PROOF };
        assert_eq!(decide(Some(&first), &Event::Release(proof), NOW), Decision::Apply);
        assert_eq!(decide(Some(&running(10)), &Event::Release(PROOF), NOW), Decision::EndLease);
    }
}
