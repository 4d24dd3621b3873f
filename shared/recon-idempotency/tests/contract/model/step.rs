//! What a store does for a worker: what the transition function decides, or what it would with a mistake.

use recon_idempotency::ClaimToken;
use recon_idempotency::transition::{Decision, Event, Proof, Record, SeedOf, Standing, State, decide};

use super::{Effect, Held, Kept, Keys, Mutation, Phase, RETENTION, WORKERS, World, time};

impl Keys {
    /// The decision of the store, or of the one with the mutation.
    pub(super) fn decide(&self, world: &World, event: Event) -> Decision {
        let record = world.kept.as_ref().map(|kept| &kept.record);
        let decision = decide(record, &event, time(world.now));
        let Some(record) = record else { return decision };
        let in_progress = matches!(record.state, State::InProgress { .. });
        match (self.mutation, event, decision) {
            (Some(Mutation::WithoutFence), Event::Complete(_) | Event::Release(_), _) => Decision::Apply,
            (Some(Mutation::WithoutFenceButState), Event::Complete(_) | Event::Release(_), _)
                if in_progress =>
            {
                Decision::Apply
            }
            (Some(Mutation::ReleaseDeletes), _, Decision::EndLease) => Decision::Apply,
            (Some(Mutation::NewSeed), _, Decision::Run { fence, .. }) => {
                Decision::Run { fence, seed: SeedOf::New }
            }
            (Some(Mutation::WithoutFingerprint), Event::Request(_), _) => {
                decide(Some(record), &Event::Request(record.fingerprint), time(world.now))
            }
            (_, _, decision) => decision,
        }
    }

    pub(super) fn ask(&self, world: &mut World, worker: usize) {
        let fingerprint = WORKERS[worker];
        match self.decide(world, Event::Request(fingerprint)) {
            Decision::Run { fence, seed } => {
                let seed = match (seed, world.kept) {
                    (SeedOf::Record, Some(kept)) => {
                        world.taken_over = true;
                        kept.seed
                    }
                    (SeedOf::New | SeedOf::Record, _) => {
                        world.seeds += 1;
                        world.seeds
                    }
                };
                world.claims += 1;
                let claim_token = ClaimToken::from_bytes([world.claims; 16]);
                let state = State::InProgress { lease_until: time(world.now + 1) };
                let record = Record { fingerprint, fence, claim_token, state, expires_at: time(RETENTION) };
                world.kept = Some(Kept { record, seed, answer: None });
                let proof = Proof { fingerprint, fence, claim_token };
                world.workers[worker] = Phase::Holding(Held { proof, seed });
            }
            Decision::Answer(standing) => self.told(world, worker, Some(standing)),
            other => panic!("a request gets {other:?}"),
        }
    }

    /// A worker that may not run, or not any more, learns what stands there.
    fn told(&self, world: &mut World, worker: usize, standing: Option<Standing>) {
        let answer = world.kept.and_then(|kept| kept.answer);
        world.workers[worker] = match (standing, answer) {
            (Some(Standing::Replay), Some(answer)) => Phase::Answered(answer),
            (Some(Standing::Mismatch), _) => Phase::Refused,
            (Some(Standing::Replay | Standing::InFlight { .. }) | None, _) => Phase::Asking,
        };
    }

    pub(super) fn complete(&self, world: &mut World, worker: usize, held: Held, checked: bool) {
        let decision = match checked {
            true => Decision::Apply,
            false => self.decide(world, Event::Complete(held.proof)),
        };
        match (decision, &mut world.kept) {
            (Decision::Apply, Some(kept)) => {
                // A row's number tells who inserted it; a derived id tells the seed.
                let answer = match self.effect {
                    Effect::Local => held.proof.claim_token.as_bytes()[0],
                    Effect::Remote => held.seed,
                };
                kept.record.state = State::Completed;
                kept.answer = Some(answer);
                world.stored = world.stored.or(Some((kept.record.fingerprint, answer)));
                if self.effect == Effect::Local {
                    world.effects.insert(answer);
                }
                world.workers[worker] = Phase::Answered(answer);
            }
            (Decision::Lost(standing), _) => {
                world.zombies_rejected = true;
                self.told(world, worker, standing);
            }
            (Decision::Apply, None) => world.workers[worker] = Phase::Asking,
            (other, _) => panic!("a completion gets {other:?}"),
        }
    }

    pub(super) fn release(&self, world: &mut World, worker: usize, held: Held) {
        match (self.decide(world, Event::Release(held.proof)), &mut world.kept) {
            (Decision::Apply, kept) => {
                *kept = None;
                world.released = true;
            }
            (Decision::EndLease, Some(kept)) => {
                kept.record.state = State::InProgress { lease_until: time(world.now) };
                world.released = true;
            }
            (_, _) => world.zombies_rejected = true,
        }
        // The client was told of a refusal that may pass, and asks again.
        world.workers[worker] = Phase::Asking;
    }
}
