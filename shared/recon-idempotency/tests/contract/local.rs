//! Local effects: key, effect and answer are one transaction.

use std::time::Duration;

use futures_util::future::join_all;
use recon_idempotency::{
    Body, ClaimOutcome, Completion, Error, Held, IdempotencyKey, StoredResponse, Unanswered, Unstorable,
};
use rstest_reuse::apply;
use uuid::Uuid;

use crate::database::{Database, Dialect, Effect, Failure};
use crate::every_database;
use crate::sample::{LEASE, OTHER, REQUEST, Thing, answer, created, guard, in_flight, running, unanswered};

#[apply(every_database)]
async fn second_request_with_same_key_replays(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    let ClaimOutcome::Fresh { value, response } = db.run(&guard(&REQUEST)).await.unwrap() else {
        panic!("the first request runs")
    };
    assert_eq!((value.clone(), response.status()), (Thing { row: 1 }, 201));
    for _ in 0..2 {
        let ClaimOutcome::Replay { response: replayed, .. } = db.run(&guard(&REQUEST)).await.unwrap() else {
            panic!("the same request replays")
        };
        assert_eq!(replayed, response);
    }
    assert_eq!(response.body(), &Body::Inline(br#"{"row":1}"#.to_vec()));
    assert_eq!((db.effects().await, db.keys().await), (1, 1));
}

#[apply(every_database)]
async fn requests_at_the_same_time_have_one_effect_and_one_answer(#[case] dialect: Dialect) {
    for _ in 0..10 {
        let db = Database::open(dialect).await;
        let tasks = (0..24).map(|_| {
            let (db, guard) = (db.clone(), guard(&REQUEST));
            tokio::spawn(async move { db.run(&guard).await })
        });
        let mut fresh = 0;
        for outcome in join_all(tasks).await {
            match outcome.unwrap().unwrap() {
                ClaimOutcome::Fresh { response, .. } => {
                    fresh += 1;
                    assert_eq!(response, created(&Thing { row: 1 }));
                }
                ClaimOutcome::Replay { response, .. } => assert_eq!(response, created(&Thing { row: 1 })),
                outcome => panic!("a local effect has no window: {outcome:?}"),
            }
        }
        assert_eq!((fresh, db.effects().await), (1, 1));
    }
}

#[apply(every_database)]
async fn a_taken_over_or_expired_key_has_one_effect_under_a_race(#[case] dialect: Dialect) {
    for aged in [LEASE, recon_idempotency::RETENTION_DEFAULT] {
        let db = Database::open(dialect).await;
        let _dead = running(db.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
        db.age(aged).await;
        let tasks = (0..12).map(|_| {
            let (db, guard) = (db.clone(), guard(&REQUEST));
            tokio::spawn(async move { db.run(&guard).await })
        });
        let mut fresh = 0;
        for outcome in join_all(tasks).await {
            match outcome.unwrap().unwrap() {
                ClaimOutcome::Fresh { .. } => fresh += 1,
                ClaimOutcome::Replay { .. } => {}
                outcome => panic!("a local effect has no window: {outcome:?}"),
            }
        }
        assert_eq!((fresh, db.effects().await), (1, 1));
    }
}

#[apply(every_database)]
async fn refused_requests_at_the_same_time_leave_nothing_and_block_nobody(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    let tasks = (0..24).map(|_| {
        let (db, guard) = (db.clone(), guard(&REQUEST));
        tokio::spawn(async move { db.run_effect(&guard, Effect::Refused).await })
    });
    for outcome in join_all(tasks).await {
        assert!(matches!(outcome.unwrap(), Err(Failure::Refused)));
    }
    assert_eq!((db.effects().await, db.keys().await), (0, 0));
    assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
}

#[apply(every_database)]
async fn the_outcome_of_a_key_has_the_value_that_the_caller_makes_of_it(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    let outcome = db.run(&guard(&REQUEST)).await.unwrap().map(|thing| thing.row);
    assert!(matches!(outcome, ClaimOutcome::Fresh { value: 1, .. }), "{outcome:?}");
}

#[apply(every_database)]
async fn a_failed_effect_leaves_no_key_and_a_retry_runs(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    let failed = db.run_effect(&guard(&REQUEST), Effect::Refused).await;
    assert!(matches!(failed, Err(Failure::Refused)));
    assert_eq!((db.effects().await, db.keys().await), (0, 0));
    // Even a caller that commits here leaves no key that counts.
    db.refuse_and_commit(&guard(&REQUEST)).await;
    let found = db.store().find(&crate::sample::scope(), &crate::sample::key()).await.unwrap();
    assert_eq!(found, None);
    assert_eq!(db.store().look_up(&unanswered(&OTHER)).await.unwrap(), None);
    assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
    assert_eq!((db.effects().await, db.keys().await), (1, 1));
}

#[apply(every_database)]
async fn an_answer_that_must_not_be_kept_rolls_the_effect_back(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    for (render, expected) in [
        (
            (|_: &Thing| StoredResponse::new(503, [("etag", "1")], Vec::new()))
                as fn(&Thing) -> StoredResponse,
            Unstorable::Status { status: 503 },
        ),
        (
            |_: &Thing| StoredResponse::new(201, [("etag", "1")], vec![b' '; 262_145]),
            Unstorable::TooLong { bytes: 262_145 },
        ),
    ] {
        let failed = db.run(&unanswered(&REQUEST).answering(render)).await;
        assert!(matches!(failed, Err(Failure::Key(Error::Unstorable(why))) if why == expected));
        assert_eq!((db.effects().await, db.keys().await), (0, 0));
    }
}

#[apply(every_database)]
async fn a_reference_replays_as_a_reference(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    let id = Uuid::from_u128(77);
    let guard = unanswered(&REQUEST)
        .answering(move |_: &Thing| StoredResponse::reference(201, [("location", "/v1/things/77")], id));
    assert!(matches!(db.run(&guard).await.unwrap(), ClaimOutcome::Fresh { .. }));
    let ClaimOutcome::Replay { response, .. } = db.run(&guard).await.unwrap() else { panic!("replays") };
    assert_eq!(response, StoredResponse::reference(201, [("location", "/v1/things/77")], id));
}

#[apply(every_database)]
async fn a_key_held_under_a_lease_runs_nothing(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    let _claim = running(db.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    let outcome = db.run(&guard(&REQUEST)).await.unwrap();
    assert_eq!(outcome, ClaimOutcome::InFlight { retry_after: Duration::from_secs(5) });
    assert_eq!(db.run(&guard(&OTHER)).await.unwrap(), ClaimOutcome::Mismatch);
    assert_eq!(db.effects().await, 0);
}

#[apply(every_database)]
async fn a_local_effect_takes_an_ended_lease_over(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    let dead = running(db.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    db.age(LEASE).await;
    assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
    let late = db.store().complete(&dead, &answer("late")).await.unwrap();
    assert!(matches!(late, Completion::Lost(Some(Held::Replay { .. }))));
    assert_eq!(db.effects().await, 1);
}

#[apply(every_database)]
async fn the_same_text_from_another_principal_runs(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    let mut requests = vec![unanswered(&REQUEST); 4];
    requests[1].scope.workspace = Uuid::from_u128(2);
    requests[2].scope.principal = Uuid::from_u128(1);
    requests[3].key = IdempotencyKey::parse(b"key-2").unwrap();
    for request in requests {
        let outcome = db.run(&request.answering(created)).await.unwrap();
        assert!(matches!(outcome, ClaimOutcome::Fresh { .. }), "{outcome:?}");
    }
    assert_eq!((db.effects().await, db.keys().await), (4, 4));
}

#[apply(every_database)]
async fn a_reader_is_told_while_somebody_else_writes(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    assert_eq!(db.look_up_beside_a_writer(&unanswered(&REQUEST)).await, None);
    let _claim = running(db.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    assert_eq!(db.look_up_beside_a_writer(&unanswered(&REQUEST)).await, Some(in_flight(5)));
}

#[apply(every_database)]
async fn a_record_that_changes_under_a_transaction_wins(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    let raced = db.run_effect(&guard(&REQUEST), Effect::Around(guard(&REQUEST))).await;
    assert!(matches!(raced, Err(Failure::Key(Error::Raced))), "{raced:?}");
    assert_eq!((db.effects().await, db.keys().await), (0, 0));
}

#[apply(every_database)]
async fn a_store_that_fails_runs_nothing(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    db.change("alter table idempotency_keys rename to gone").await;
    let failed = db.run(&guard(&REQUEST)).await;
    assert!(matches!(failed, Err(Failure::Key(Error::Database(_)))), "{failed:?}");
    assert_eq!(db.effects().await, 0);
}

#[apply(every_database)]
async fn a_record_of_no_known_state_is_never_written(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    let _claim = running(db.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    for (change, constraint) in [
        ("lease_until = null", "idempotency_keys_state_check"),
        ("lease_until = expires_at + 1", "idempotency_keys_state_check"),
        ("state = 'lost'", "idempotency_keys_state_check"),
        ("status = 200", "idempotency_keys_state_check"),
        ("fence = -1", "idempotency_keys_fence_check"),
        ("fence = 0", "idempotency_keys_fence_check"),
        ("seed = claim_token", "idempotency_keys_lengths_check"),
    ] {
        let refused = db.try_change(&format!("update idempotency_keys set {change}")).await.unwrap_err();
        // PostgreSQL has them all in one.
        let constraint =
            if dialect == Dialect::Postgres { "idempotency_keys_record_check" } else { constraint };
        assert!(refused.to_string().contains(constraint), "{change}: {refused}");
    }
}

#[apply(every_database)]
async fn quoted_and_bare_spellings_are_one_key(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
    let quoted = Unanswered { key: IdempotencyKey::parse(b"\"key-1\"").unwrap(), ..unanswered(&REQUEST) };
    let hit = db.run(&quoted.answering(created)).await.unwrap();
    assert!(matches!(hit, ClaimOutcome::Replay { .. }), "{hit:?}");
}
