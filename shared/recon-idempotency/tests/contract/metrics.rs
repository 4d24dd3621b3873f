//! What each store counts: every event once, under the store's own name.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use recon_idempotency::metrics::{self as counted, StoreKind};
use recon_idempotency::{
    ClaimOutcome, ClaimStore, Completion, Extension, Held, Release, StoredResponse, memory, sqlite,
};
use rstest_reuse::apply;

use crate::every_store;
use crate::sample::{LEASE, OTHER, REQUEST, answer, held, in_flight, running, unanswered};
use crate::world::{Kind, World};

/// What was counted since it was last asked, by metric without its prefix; what is 0 is left out. A histogram counts its
/// values.
struct Counts {
    snapshotter: Snapshotter,
    store: StoreKind,
}

impl Counts {
    #[track_caller]
    fn are(&self, expected: &[(&str, u64)]) {
        let expected = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        assert_eq!(self.taken(), expected);
    }

    fn taken(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (key, _, _, value) in self.snapshotter.snapshot().into_vec() {
            let key = key.key();
            let labels: Vec<_> = key.labels().map(|label| (label.key(), label.value())).collect();
            assert_eq!(labels, [("store", self.store.as_str())], "{}", key.name());
            let count = match value {
                DebugValue::Counter(count) => count,
                DebugValue::Histogram(values) => u64::try_from(values.len()).unwrap(),
                DebugValue::Gauge(_) => panic!("{} is a gauge", key.name()),
            };
            let name = key.name().strip_prefix("idempotency_").unwrap();
            if count > 0 {
                counts.insert(name.to_owned(), count);
            }
        }
        counts
    }
}

fn counts(recorder: &DebuggingRecorder, store: StoreKind) -> Counts {
    Counts { snapshotter: recorder.snapshotter(), store }
}

const fn label(kind: Kind) -> StoreKind {
    match kind {
        Kind::Sqlite => StoreKind::Sqlite,
        Kind::Postgres | Kind::PgBouncer => StoreKind::Postgres,
        Kind::Memory => StoreKind::Memory,
        Kind::Redis | Kind::RedisCluster => StoreKind::Redis,
        #[cfg(feature = "aws")]
        Kind::Dynamodb => StoreKind::Dynamodb,
    }
}

#[apply(every_store)]
async fn every_verb_is_counted_once(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let recorder = DebuggingRecorder::new();
    // Stores count where they are waited for, which is on this thread.
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let counts = counts(&recorder, label(kind));

    let claim = running(world.claim(&REQUEST).await);
    assert!(!claim.is_takeover());
    counts.are(&[("claims_total", 1)]);
    assert_eq!(held(world.claim(&REQUEST).await), in_flight(5));
    counts.are(&[("conflicts_total", 1)]);
    assert_eq!(held(world.claim(&OTHER).await), Held::Mismatch);
    counts.are(&[("mismatches_total", 1)]);
    assert!(matches!(world.extend(&claim, LEASE).await, Extension::Extended { .. }));
    assert_eq!(world.look_up(&REQUEST).await, Some(in_flight(5)));
    assert!(world.find().await.is_some());
    counts.are(&[]);

    world.age(LEASE).await;
    let taker = running(world.claim(&REQUEST).await);
    assert!(taker.is_takeover());
    counts.are(&[("takeovers_total", 1)]);
    assert_eq!(world.extend(&claim, LEASE).await, Extension::Lost);
    assert_eq!(world.release(&claim).await, Release::Lost);
    assert_eq!(world.complete(&claim, &answer("zombie")).await, Completion::Lost(Some(in_flight(5))));
    counts.are(&[("zombies_rejected_total", 3)]);

    // What must not be kept is the caller's mistake, not the store's.
    let too_long = StoredResponse::new(200, [("etag", "1")], vec![b' '; 262_145]);
    assert!(world.store.complete(&taker, &too_long).await.is_err());
    counts.are(&[]);
    assert!(matches!(world.complete(&taker, &answer("done")).await, Completion::Stored { .. }));
    counts.are(&[("lease_age_seconds", 1)]);
    assert!(matches!(held(world.claim(&REQUEST).await), Held::Replay { .. }));
    counts.are(&[("replays_total", 1)]);
}

#[apply(every_store)]
async fn a_claim_that_is_given_back_is_a_new_one_the_next_time(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let recorder = DebuggingRecorder::new();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let counts = counts(&recorder, label(kind));
    let refused = running(world.claim(&REQUEST).await);
    assert_eq!(world.release(&refused).await, Release::Released);
    assert!(!running(world.claim(&REQUEST).await).is_takeover());
    counts.are(&[("claims_total", 2)]);
}

#[tokio::test]
async fn a_store_that_fails_is_counted_and_nothing_else_is() {
    let recorder = DebuggingRecorder::new();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let counts = counts(&recorder, StoreKind::Sqlite);
    // A database without the table.
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:");
    let store = sqlite::Store::new(pool.await.unwrap());
    let request = unanswered(&REQUEST);
    assert!(store.claim(&request, LEASE).await.is_err());
    assert!(store.look_up(&request).await.is_err());
    assert!(store.purge_expired(1).await.is_err());
    counts.are(&[("store_errors_total", 3)]);
}

#[test]
fn every_metric_of_a_store_is_there_before_its_first_event() {
    let recorder = DebuggingRecorder::new();
    ::metrics::with_local_recorder(&recorder, || counted::describe(&[StoreKind::Redis, StoreKind::Memory]));
    let all = recorder.snapshotter().snapshot().into_vec();
    assert_eq!(all.len(), 2 * 8);
    for (key, _, about, value) in all {
        assert!(about.is_some_and(|about| !about.is_empty()), "{key:?} is not described");
        assert!(["redis", "memory"].contains(&key.key().labels().next().unwrap().value()));
        assert!(matches!(value, DebugValue::Counter(0) | DebugValue::Histogram(_)), "{key:?}: {value:?}");
    }
}

#[test]
fn an_outcome_that_the_caller_committed_is_counted_by_what_it_is() {
    let recorder = DebuggingRecorder::new();
    let counts = counts(&recorder, StoreKind::Postgres);
    ::metrics::with_local_recorder(&recorder, || {
        let fresh = ClaimOutcome::Fresh { value: 1, response: answer("one") };
        let expires_at = recon_idempotency::StoreTime::from_micros(1);
        let replay = ClaimOutcome::Replay { response: answer("one"), expires_at };
        let in_flight = ClaimOutcome::InFlight { retry_after: Duration::from_secs(1) };
        for outcome in [fresh, replay.clone(), replay, in_flight, ClaimOutcome::Mismatch] {
            counted::outcome(StoreKind::Postgres, &outcome);
        }
        counted::failure(StoreKind::Postgres);
    });
    counts.are(&[
        ("claims_total", 1),
        ("conflicts_total", 1),
        ("mismatches_total", 1),
        ("replays_total", 2),
        ("store_errors_total", 1),
    ]);
}

#[tokio::test]
async fn the_age_of_a_lease_is_counted_in_seconds() {
    let recorder = DebuggingRecorder::new();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let store = memory::Store::new(|| recon_idempotency::StoreTime::from_micros(1));
    let claim = running(store.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    let held_for = claim.age();
    assert!(matches!(store.complete(&claim, &answer("done")).await.unwrap(), Completion::Stored { .. }));
    let mut values =
        recorder.snapshotter().snapshot().into_vec().into_iter().filter_map(|(_, _, _, value)| {
            if let DebugValue::Histogram(values) = value { Some(values) } else { None }
        });
    let age = values.next().unwrap()[0].into_inner();
    assert!(age >= held_for.as_secs_f64() && age <= claim.age().as_secs_f64(), "{age}");
}
