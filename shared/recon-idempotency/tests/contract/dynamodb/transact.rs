//! Local effects: items in one transaction with the key.

use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use futures_util::future::join_all;
use recon_idempotency::dynamodb::{self, Effect, GuardedError, guarded};
use recon_idempotency::{
    ClaimOutcome, ClaimStore, Claimed, Completion, Error, Held, StoredResponse, Unstorable,
};

use super::Keys;
use super::proxy::{Fault, Proxy, cancelled, refused};
use crate::sample::{LEASE, OTHER, REQUEST, Thing, answer, created, guard, running, unanswered};

/// Where the effects are: a table with the same key.
struct Effects {
    keys: Keys,
    store: dynamodb::Store,
    things: Keys,
}

impl Effects {
    async fn open() -> Self {
        let keys = Keys::open().await;
        Self { store: keys.store(), keys, things: Keys::open().await }
    }

    /// Writes a thing that is not there yet.
    fn insert(&self, row: i64) -> Effect<Thing> {
        let id = AttributeValue::B(row.to_be_bytes().to_vec().into());
        let put = Put::builder()
            .table_name(&self.things.table)
            .item("pk", id)
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = TransactWriteItem::builder().put(put.build().unwrap()).build();
        Effect { value: Thing { row }, writes: vec![put] }
    }

    async fn run(&self, effect: Effect<Thing>) -> Result<ClaimOutcome<Thing>, GuardedError> {
        guarded(&self.store, &guard(&REQUEST), effect).await
    }

    /// The same, behind this.
    async fn through(mut self, proxy: &Proxy) -> Self {
        let keys = Keys { client: proxy.client().await, ..self.keys.clone() };
        self.store = keys.store();
        self
    }

    async fn counts(&self) -> (usize, usize) {
        (self.things.items().await.len(), self.keys.items().await.len())
    }
}

#[tokio::test]
async fn dynamodb_effect_and_key_are_one_transaction_and_replay() {
    let effects = Effects::open().await;
    let fresh = effects.run(effects.insert(1)).await.unwrap();
    assert_eq!(fresh, ClaimOutcome::Fresh { value: Thing { row: 1 }, response: created(&Thing { row: 1 }) });
    // The same effect: its own condition fails too now, but the key decides.
    for row in [1, 2] {
        let replayed = effects.run(effects.insert(row)).await.unwrap();
        let ClaimOutcome::Replay { response, .. } = replayed else { panic!("{replayed:?}") };
        assert_eq!(response, created(&Thing { row: 1 }));
    }
    let other = guarded(&effects.store, &guard(&OTHER), effects.insert(3)).await.unwrap();
    assert_eq!(other, ClaimOutcome::Mismatch);
    assert_eq!(effects.counts().await, (1, 1));
}

#[tokio::test]
async fn dynamodb_effect_that_is_refused_leaves_no_key() {
    let effects = Effects::open().await;
    let there = guarded(&effects.store, &guard(&REQUEST), effects.insert(7)).await;
    assert!(matches!(there, Ok(ClaimOutcome::Fresh { .. })));
    let mut effect = effects.insert(8);
    effect.writes.extend(effects.insert(7).writes);
    let another = crate::sample::with_key(b"key-2").answering(created);
    let refused = guarded(&effects.store, &another, effect).await.unwrap_err();
    assert!(matches!(&refused, GuardedError::Refused { index: 1, item: Some(_) }), "{refused:?}");
    assert_eq!(refused.to_string(), "the condition of write 1 does not hold");
    assert_eq!(effects.counts().await, (1, 1));
    let retried = guarded(&effects.store, &another, effects.insert(8)).await;
    assert!(matches!(retried, Ok(ClaimOutcome::Fresh { .. })), "{retried:?}");
}

#[tokio::test]
async fn dynamodb_effects_at_the_same_time_happen_once() {
    for taken_over in [false, true] {
        let effects = Effects::open().await;
        if taken_over {
            let _dead = running(effects.store.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
            effects.keys.clock.age(LEASE);
        }
        let outcomes = join_all((0..12).map(|row| effects.run(effects.insert(row)))).await;
        let mut rows = Vec::new();
        for outcome in outcomes {
            match outcome.unwrap() {
                ClaimOutcome::Fresh { value, .. } => rows.push(value),
                ClaimOutcome::Replay { .. } | ClaimOutcome::InFlight { .. } => {}
                ClaimOutcome::Mismatch => panic!("it is the same request"),
            }
        }
        assert_eq!((rows.len(), effects.counts().await), (1, (1, 1)));
        let replayed = effects.run(effects.insert(99)).await.unwrap();
        assert!(matches!(replayed, ClaimOutcome::Replay { response, .. } if response == created(&rows[0])));
    }
}

#[tokio::test]
async fn dynamodb_effect_runs_under_no_live_lease_and_beats_the_zombie() {
    let effects = Effects::open().await;
    let dead = running(effects.store.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    assert!(matches!(effects.run(effects.insert(1)).await, Ok(ClaimOutcome::InFlight { .. })));
    assert_eq!(effects.counts().await, (0, 1));
    effects.keys.clock.age(LEASE);
    assert!(matches!(effects.run(effects.insert(1)).await, Ok(ClaimOutcome::Fresh { .. })));
    let late = effects.store.complete(&dead, &answer("late")).await.unwrap();
    assert!(matches!(late, Completion::Lost(Some(Held::Replay { .. }))), "{late:?}");
    // And the other way round.
    let held = effects.store.claim(&unanswered(&REQUEST), LEASE).await.unwrap();
    assert!(matches!(held, Claimed::Held(Held::Replay { .. })), "{held:?}");
}

#[tokio::test]
async fn dynamodb_effect_whose_answer_must_not_be_kept_or_that_has_no_room_does_not_happen() {
    let effects = Effects::open().await;
    let failing =
        unanswered(&REQUEST).answering(|_: &Thing| StoredResponse::new(503, [("etag", "1")], vec![]));
    let refused = guarded(&effects.store, &failing, effects.insert(1)).await;
    let status = Unstorable::Status { status: 503 };
    assert!(matches!(refused, Err(GuardedError::Key(Error::Unstorable(found))) if found == status));
    let writes = (0..100).flat_map(|row| effects.insert(row).writes).collect();
    let many = effects.run(Effect { value: Thing { row: 1 }, writes }).await;
    assert!(matches!(many, Err(GuardedError::TooMany { writes: 100 })), "{many:?}");
    assert_eq!(effects.counts().await, (0, 0));
    let writes = (0..99).flat_map(|row| effects.insert(row).writes).collect();
    let most = effects.run(Effect { value: Thing { row: 1 }, writes }).await;
    assert!(matches!(most, Ok(ClaimOutcome::Fresh { .. })), "{most:?}");
}

#[tokio::test]
async fn dynamodb_effect_that_is_never_valid_says_so_and_leaves_no_key() {
    let effects = Effects::open().await;
    let put = || Put::builder().table_name(&effects.things.table);
    let id = || AttributeValue::B(vec![1].into());
    let large = put().item("pk", id()).item("body", AttributeValue::B(vec![0; 450_000].into()));
    let malformed = put().item("pk", id()).condition_expression("absent or what");
    let keyless = put().item("body", id());
    for put in [large, malformed, keyless] {
        let put = TransactWriteItem::builder().put(put.build().unwrap()).build();
        let mut effect = effects.insert(2);
        effect.writes.push(put);
        let invalid = effects.run(effect).await.unwrap_err();
        assert!(matches!(&invalid, GuardedError::Invalid { .. }), "{invalid:?}");
        assert_eq!(invalid.to_string(), "the writes of the effect are not valid");
    }
    assert_eq!(effects.counts().await, (0, 0));
    for code in ["ValidationError", "ItemCollectionSizeLimitExceeded"] {
        let proxy = Proxy::new("TransactWriteItems", cancelled(&["None", "None", code]), 1);
        let effects = Effects::open().await.through(&proxy).await;
        let invalid = effects.run(effects.insert(1)).await.unwrap_err();
        assert!(matches!(&invalid, GuardedError::Invalid { index: Some(1), .. }), "{invalid:?}");
    }
}

#[tokio::test]
async fn dynamodb_effect_that_is_sent_again_because_its_answer_was_lost_is_still_fresh() {
    let proxy = Proxy::new("TransactWriteItems", Fault::Lost, 1);
    let effects = Effects::open().await.through(&proxy).await;
    let sent_again = effects.run(effects.insert(1)).await;
    assert!(matches!(sent_again, Ok(ClaimOutcome::Fresh { .. })), "{sent_again:?}");
    assert_eq!((proxy.asked(), effects.counts().await), (2, (1, 1)));
}

#[tokio::test]
async fn dynamodb_effect_in_conflict_is_tried_again_and_never_half_done() {
    let run = async |fault, times| {
        let proxy = Proxy::new("TransactWriteItems", fault, times);
        let effects = Effects::open().await.through(&proxy).await;
        let ran = effects.run(effects.insert(1)).await;
        (ran, proxy.asked(), effects.counts().await)
    };
    for reasons in [["TransactionConflict", "None"], ["None", "TransactionConflict"]] {
        let (once, asked, counts) = run(cancelled(&reasons), 1).await;
        assert!(matches!(once, Ok(ClaimOutcome::Fresh { .. })), "{reasons:?}: {once:?}");
        assert_eq!((asked, counts), (2, (1, 1)));
    }
    let (key, asked, counts) = run(cancelled(&["TransactionConflict", "None"]), usize::MAX).await;
    assert!(matches!(key, Ok(ClaimOutcome::InFlight { .. })), "{key:?}");
    assert_eq!((asked, counts), (5, (0, 0)));
    let (effect, asked, counts) = run(cancelled(&["None", "TransactionConflict"]), usize::MAX).await;
    assert!(matches!(effect, Err(GuardedError::Key(Error::Unavailable { .. }))), "{effect:?}");
    assert_eq!((asked, counts), (5, (0, 0)));
    for fault in [refused("ThrottlingException"), cancelled(&["None", "ThrottlingError"])] {
        let (throttled, asked, counts) = run(fault, usize::MAX).await;
        assert!(matches!(throttled, Err(GuardedError::Key(Error::Unavailable { .. }))), "{throttled:?}");
        assert!((1..=3).contains(&asked) && counts == (0, 0), "{asked} times");
    }
}
