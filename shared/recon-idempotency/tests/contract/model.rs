//! Every order in which a few workers can do what they do with one key, over the stores' own transition function.

mod step;

use std::collections::BTreeSet;

use recon_idempotency::transition::{Decision, Event, Proof, Record, Standing, State, decide};
use recon_idempotency::{Fingerprint, StoreTime};
use stateright::{Checker, HasDiscoveries, Model, Property};

/// Of which request a worker is.
const MINE: Fingerprint = Fingerprint::from_bytes([1; 32]);
const OTHER: Fingerprint = Fingerprint::from_bytes([2; 32]);
/// Three times the same request, and once the same key for another one.
const WORKERS: [Fingerprint; 4] = [MINE, MINE, MINE, OTHER];
/// A lease is one step of the clock long; the clock makes so many.
const TICKS: i64 = 4;
/// How many workers die while they hold a claim.
const CRASHES: u8 = 3;
/// How many claims there are at most, so that workers that release and ask again come to an end.
const CLAIMS: u8 = 6;
/// Longer than everything: what happens after is another key's story.
const RETENTION: i64 = 1_000;

/// Where the effect goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Into the transaction that completes the record: a lost claim rolls it back.
    Local,
    /// Elsewhere, before the record is completed, under an id that is derived from the seed.
    Remote,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mutation {
    /// A holder's verbs look at nothing but the key.
    WithoutFence,
    /// A holder's verbs look at the state only.
    WithoutFenceButState,
    /// The fence is looked at before the transaction of the effect.
    FenceCheckedBefore,
    /// What was taken over is deleted when it is released.
    ReleaseDeletes,
    /// A takeover makes a new seed.
    NewSeed,
    /// The fingerprint is not compared.
    WithoutFingerprint,
}

struct Keys {
    effect: Effect,
    mutation: Option<Mutation>,
}

/// The record, and what else is kept with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Kept {
    record: Record,
    seed: u8,
    answer: Option<u8>,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    /// It has not asked yet, or has to ask again.
    Asking,
    /// It holds a claim.
    Holding(Held),
    /// Its effect happened elsewhere.
    Effected(Held),
    /// It knows that it may write.
    Checked(Held),
    /// It has an answer of success.
    Answered(u8),
    /// Its key belongs to another request.
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Held {
    proof: Proof,
    seed: u8,
}

/// Everything there is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    now: i64,
    kept: Option<Kept>,
    workers: Vec<Phase>,
    /// The ids of what happened, each once: who repeats an id finds what is there.
    effects: BTreeSet<u8>,
    /// The answer that was stored first.
    stored: Option<(Fingerprint, u8)>,
    /// Claims and seeds are told apart by their number.
    claims: u8,
    seeds: u8,
    crashes: u8,
    zombies_rejected: bool,
    taken_over: bool,
    released: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Ask(usize),
    Effect(usize),
    Check(usize),
    Complete(usize),
    Release(usize),
    Extend(usize),
    Crash(usize),
    Tick,
}

fn time(ticks: i64) -> StoreTime {
    StoreTime::from_micros(ticks)
}

impl Model for Keys {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            now: 0,
            kept: None,
            workers: vec![Phase::Asking; WORKERS.len()],
            effects: BTreeSet::new(),
            stored: None,
            claims: 0,
            seeds: 0,
            crashes: 0,
            zombies_rejected: false,
            taken_over: false,
            released: false,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.now < TICKS {
            actions.push(Action::Tick);
        }
        for (worker, phase) in world.workers.iter().enumerate() {
            match phase {
                Phase::Asking => actions.push(Action::Ask(worker)),
                Phase::Holding(_) => {
                    actions.extend([Action::Release(worker), Action::Extend(worker), Action::Crash(worker)]);
                    actions.push(match (self.effect, self.mutation) {
                        (Effect::Remote, _) => Action::Effect(worker),
                        (Effect::Local, Some(Mutation::FenceCheckedBefore)) => Action::Check(worker),
                        (Effect::Local, _) => Action::Complete(worker),
                    });
                }
                Phase::Effected(_) | Phase::Checked(_) => {
                    actions.extend([Action::Complete(worker), Action::Crash(worker)]);
                }
                Phase::Answered(_) | Phase::Refused => {}
            }
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Tick => world.now += 1,
            Action::Ask(worker) => {
                self.ask(&mut world, worker);
                if world.claims > CLAIMS {
                    return None;
                }
            }
            Action::Effect(worker) => {
                let Phase::Holding(held) = last.workers[worker] else { return None };
                world.effects.insert(held.seed);
                world.workers[worker] = Phase::Effected(held);
            }
            Action::Check(worker) => {
                let Phase::Holding(held) = last.workers[worker] else { return None };
                match self.decide(last, Event::Complete(held.proof)) {
                    Decision::Apply => world.workers[worker] = Phase::Checked(held),
                    _ => world.workers[worker] = Phase::Asking,
                }
            }
            Action::Complete(worker) => match last.workers[worker] {
                Phase::Holding(held) | Phase::Effected(held) => {
                    self.complete(&mut world, worker, held, false)
                }
                Phase::Checked(held) => self.complete(&mut world, worker, held, true),
                Phase::Asking | Phase::Answered(_) | Phase::Refused => return None,
            },
            Action::Release(worker) => {
                let Phase::Holding(held) = last.workers[worker] else { return None };
                self.release(&mut world, worker, held);
            }
            Action::Extend(worker) => {
                let Phase::Holding(held) = last.workers[worker] else { return None };
                if let (Decision::Apply, Some(kept)) =
                    (self.decide(last, Event::Extend(held.proof)), &mut world.kept)
                {
                    kept.record.state = State::InProgress { lease_until: time(world.now + 1) };
                }
            }
            Action::Crash(worker) => {
                if world.crashes == CRASHES {
                    return None;
                }
                world.crashes += 1;
                // Its client asks again.
                world.workers[worker] = Phase::Asking;
            }
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("one effect", |_, world: &World| world.effects.len() <= 1),
            Property::always("one answer", |_, world: &World| {
                let answers = world.workers.iter().filter_map(|phase| match phase {
                    Phase::Answered(answer) => Some(answer),
                    _ => None,
                });
                answers.collect::<BTreeSet<_>>().len() <= 1
            }),
            Property::always("an answer has its effect", |_, world: &World| {
                let answered = |answer: &u8| !world.effects.contains(answer);
                !world
                    .workers
                    .iter()
                    .any(|phase| matches!(phase, Phase::Answered(answer) if answered(answer)))
            }),
            Property::always("a completed record never changes", |_, world: &World| {
                match (world.stored, world.kept) {
                    (None, _) => true,
                    (Some(stored), Some(Kept { record, answer: Some(answer), .. })) => {
                        (record.fingerprint, answer) == stored && record.state == State::Completed
                    }
                    (Some(_), _) => false,
                }
            }),
            Property::always("no answer of another request", |_, world: &World| {
                let mut answered = world.workers.iter().zip(WORKERS);
                answered.all(|(phase, own)| match (phase, world.stored) {
                    (Phase::Answered(_), Some((fingerprint, _))) => fingerprint == own,
                    (Phase::Answered(_), None) => false,
                    _ => true,
                })
            }),
            Property::always("never stuck", |_, world: &World| {
                // When the lease has ended, whoever asks runs or learns how it ended.
                let Some(Kept { record, .. }) = world.kept else { return true };
                let ends = match record.state {
                    State::InProgress { lease_until } => lease_until.max(time(world.now)),
                    State::Completed => time(world.now),
                };
                WORKERS.iter().all(|fingerprint| {
                    let told = decide(Some(&record), &Event::Request(*fingerprint), ends);
                    !matches!(told, Decision::Answer(Standing::InFlight { .. }))
                })
            }),
            // What has to be there for the others to mean something.
            Property::sometimes("everybody is answered", |_, world: &World| {
                let answered = world.workers.iter().filter(|phase| matches!(phase, Phase::Answered(_)));
                answered.count() == 3
            }),
            Property::sometimes("taken over, and the zombie rejected", |_, world: &World| {
                world.taken_over && world.zombies_rejected && world.stored.is_some()
            }),
            Property::sometimes("released, and run again", |_, world: &World| {
                world.released && world.stored.is_some()
            }),
            Property::sometimes("another request is refused", |_, world: &World| {
                world.workers.contains(&Phase::Refused) && world.stored.is_some()
            }),
        ]
    }
}

#[test]
fn no_order_of_events_breaks_a_promise() {
    for effect in [Effect::Local, Effect::Remote] {
        let checker = Keys { effect, mutation: None }.checker().threads(2).spawn_bfs().join();
        checker.assert_properties();
        println!("{effect:?}: {} states", checker.unique_state_count());
        assert!(checker.unique_state_count() > 10_000, "{}", checker.unique_state_count());
    }
}

#[test]
fn a_model_with_a_mistake_finds_it() {
    for (effect, mutation, promise) in [
        (Effect::Local, Mutation::WithoutFence, "one effect"),
        (Effect::Local, Mutation::WithoutFence, "a completed record never changes"),
        (Effect::Remote, Mutation::WithoutFence, "a completed record never changes"),
        (Effect::Remote, Mutation::WithoutFenceButState, "one effect"),
        (Effect::Local, Mutation::FenceCheckedBefore, "one effect"),
        (Effect::Remote, Mutation::ReleaseDeletes, "one effect"),
        (Effect::Remote, Mutation::NewSeed, "one effect"),
        (Effect::Local, Mutation::WithoutFingerprint, "no answer of another request"),
    ] {
        let model = Keys { effect, mutation: Some(mutation) };
        let wanted = HasDiscoveries::AllOf([promise].into_iter().collect());
        let checker = model.checker().threads(2).finish_when(wanted).spawn_bfs().join();
        let path = checker.discovery(promise);
        assert!(path.is_some(), "{mutation:?} with a {effect:?} effect breaks no \"{promise}\"");
    }
}
