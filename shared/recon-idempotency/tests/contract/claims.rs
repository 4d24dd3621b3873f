//! Claims for remote effects: each row of the state machine.

use std::time::Duration;

use futures_util::future::join_all;
use recon_idempotency::{
    Claimed, Completion, EntryState, Error, Extension, Held, IdempotencyKey, RETENTION_DEFAULT, Release,
    Request, StoredResponse, Unanswered, Unstorable,
};
use rstest_reuse::apply;
use uuid::Uuid;

use crate::every_store;
use crate::sample::{LEASE, OTHER, REQUEST, answer, held, in_flight, running, unanswered, with_key};
use crate::world::{Kind, World};

#[apply(every_store)]
async fn a_live_lease_makes_the_same_request_wait(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let claim = running(world.claim_for(&REQUEST, Duration::from_secs(600)).await);
    assert_eq!(claim.fence(), 1);
    assert_eq!(held(world.claim(&REQUEST).await), in_flight(5));
    world.age(Duration::from_millis(599_500)).await;
    assert_eq!(held(world.claim(&REQUEST).await), in_flight(1));
}

#[apply(every_store)]
async fn requests_at_the_same_time_have_one_claim(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let claimed = join_all((0..24).map(|_| world.claim(&REQUEST))).await;
    let (running, held): (Vec<_>, Vec<_>) =
        claimed.into_iter().partition(|claimed| matches!(claimed, Claimed::Run(_)));
    assert_eq!(running.len(), 1);
    assert!(held.into_iter().all(|claimed| self::held(claimed) == in_flight(5)));
}

#[apply(every_store)]
async fn a_key_of_somebody_else_is_another_key(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let mut requests = vec![unanswered(&REQUEST); 4];
    requests[1].scope.workspace = Uuid::from_u128(2);
    requests[2].scope.principal = Uuid::from_u128(1);
    requests[3].key = IdempotencyKey::parse(b"key-2").unwrap();
    for request in requests {
        assert_eq!(running(world.store.claim(&request, LEASE).await.unwrap()).fence(), 1);
    }
}

#[apply(every_store)]
async fn an_ended_lease_has_exactly_one_taker_with_the_same_derived_ids(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let dead = running(world.claim(&REQUEST).await);
    world.age(LEASE).await;
    let mut takers = Vec::new();
    for claimed in join_all((0..12).map(|_| world.claim(&REQUEST))).await {
        match claimed {
            Claimed::Run(claim) => takers.push(claim),
            Claimed::Held(held) => assert_eq!(held, in_flight(5)),
        }
    }
    assert_eq!(takers.len(), 1);
    assert_eq!(takers[0].fence(), dead.fence() + 1);
    assert_eq!(takers[0].derived_id("row"), dead.derived_id("row"));
    assert_ne!(takers[0].derived_id("row"), dead.derived_id("job"));
}

#[apply(every_store)]
async fn an_expired_key_is_a_new_key_with_other_derived_ids(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let first = running(world.claim(&REQUEST).await);
    assert!(matches!(world.complete(&first, &answer("first")).await, Completion::Stored { .. }));
    world.age(RETENTION_DEFAULT).await;
    let second = running(world.claim(&OTHER).await);
    assert_eq!(second.fence(), 2);
    assert_ne!(second.derived_id("row"), first.derived_id("row"));
    assert_eq!(held(world.claim(&REQUEST).await), Held::Mismatch);
    // The holder from before gets no answer that belongs to another request.
    assert_eq!(world.complete(&first, &answer("zombie")).await, Completion::Lost(Some(Held::Mismatch)));
}

#[apply(every_store)]
async fn a_completed_key_replays_and_never_changes(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let claim = running(world.claim(&REQUEST).await);
    let Completion::Stored { expires_at } = world.complete(&claim, &answer("done")).await else {
        panic!("the claim was live")
    };
    let replay = Held::Replay { response: answer("done"), expires_at };
    assert_eq!(held(world.claim(&REQUEST).await), replay);
    assert_eq!(world.complete(&claim, &answer("again")).await, Completion::Lost(Some(replay.clone())));
    assert_eq!(world.extend(&claim, LEASE).await, Extension::Lost);
    assert_eq!(held(world.claim(&REQUEST).await), replay);
}

#[apply(every_store)]
async fn an_answer_replays_byte_for_byte(#[case] kind: Kind) {
    let bytes: Vec<u8> = (0..=255).cycle().take(recon_idempotency::INLINE_BYTES_MAX).collect();
    let headers = [("content-type", "text/plain; charset=\"ü\""), ("link", "<a>"), ("link", "<b>")];
    for response in [
        StoredResponse::new(201, headers, bytes),
        StoredResponse::new(204, [("etag", "")], Vec::new()),
        StoredResponse::new(200, [("x", "")], Vec::new()),
        StoredResponse::reference(201, [("location", "/v1/things/77")], Uuid::from_u128(77)),
    ] {
        let world = World::open(kind).await;
        let claim = running(world.claim(&REQUEST).await);
        let Completion::Stored { expires_at } = world.complete(&claim, &response).await else {
            panic!("the claim was live")
        };
        assert_eq!(held(world.claim(&REQUEST).await), Held::Replay { response, expires_at });
    }
}

#[apply(every_store)]
async fn an_expired_answer_leaves_nothing_in_the_next_one(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let reference = StoredResponse::reference(201, [("location", "/v1/things/77")], Uuid::from_u128(77));
    for response in [answer("done"), reference, answer("again")] {
        let claim = running(world.claim(&REQUEST).await);
        let Completion::Stored { expires_at } = world.complete(&claim, &response).await else {
            panic!("the claim was live")
        };
        assert_eq!(world.look_up(&REQUEST).await, Some(Held::Replay { response, expires_at }));
        world.age(RETENTION_DEFAULT).await;
    }
}

#[apply(every_store)]
async fn a_released_key_is_free_for_any_request(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let refused = running(world.claim(&REQUEST).await);
    assert_eq!(world.release(&refused).await, Release::Released);
    assert_eq!(world.find().await, None);
    assert_eq!(world.release(&refused).await, Release::Lost);
    let retry = running(world.claim(&OTHER).await);
    // The record counts from one again; the token still tells the holders apart.
    assert_eq!(retry.fence(), refused.fence());
    assert_eq!(world.release(&refused).await, Release::Lost);
    assert_eq!(world.extend(&refused, LEASE).await, Extension::Lost);
    assert_eq!(world.complete(&refused, &answer("late")).await, Completion::Lost(Some(Held::Mismatch)));
    assert!(matches!(world.complete(&retry, &answer("two")).await, Completion::Stored { .. }));
}

#[apply(every_store)]
async fn a_key_that_was_taken_over_is_released_with_its_seed(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let zombie = running(world.claim(&REQUEST).await);
    world.age(LEASE).await;
    let refused = running(world.claim(&REQUEST).await);
    assert_eq!(world.release(&refused).await, Release::Released);
    // The zombie may still be having its effect: another request is not let in, and a retry derives the same ids.
    assert_eq!(held(world.claim(&OTHER).await), Held::Mismatch);
    assert_eq!(world.look_up(&REQUEST).await, None);
    let retry = running(world.claim(&REQUEST).await);
    assert_eq!((retry.fence(), retry.derived_id("row")), (3, zombie.derived_id("row")));
    assert_eq!(world.release(&refused).await, Release::Lost);
    assert!(matches!(world.complete(&retry, &answer("done")).await, Completion::Stored { .. }));
}

#[apply(every_store)]
async fn what_became_of_a_key_that_is_gone_is_nothing(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let claim = running(world.claim(&REQUEST).await);
    world.age(RETENTION_DEFAULT).await;
    assert_eq!(world.complete(&claim, &answer("late")).await, Completion::Lost(None));
    assert_eq!(world.release(&claim).await, Release::Lost);
}

#[apply(every_store)]
async fn an_unknown_outcome_keeps_the_key_until_the_lease_ends(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let failed = running(world.claim(&REQUEST).await);
    let effect = failed.derived_id("row");
    assert_eq!(held(world.claim(&REQUEST).await), in_flight(5));
    world.age(LEASE).await;
    assert_eq!(running(world.claim(&REQUEST).await).derived_id("row"), effect);
}

#[apply(every_store)]
async fn a_lease_beyond_the_retention_keeps_its_record(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let claim = running(world.claim_for(&REQUEST, RETENTION_DEFAULT * 2).await);
    world.age(RETENTION_DEFAULT + LEASE).await;
    assert_eq!(held(world.claim(&REQUEST).await), in_flight(5));
    assert!(matches!(world.extend(&claim, RETENTION_DEFAULT * 3).await, Extension::Extended { .. }));
    world.age(RETENTION_DEFAULT * 2).await;
    assert!(matches!(world.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
}

#[apply(every_store)]
async fn a_lease_without_an_end_is_kept(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let claim = running(world.claim_for(&REQUEST, Duration::MAX).await);
    world.age(RETENTION_DEFAULT).await;
    assert_eq!(held(world.claim(&REQUEST).await), in_flight(5));
    assert!(matches!(world.extend(&claim, Duration::MAX).await, Extension::Extended { .. }));
    assert!(matches!(world.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
}

#[apply(every_store)]
async fn an_answer_that_must_not_be_kept_is_refused(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let claim = running(world.claim(&REQUEST).await);
    for (response, why) in [
        (StoredResponse::new(500, [("etag", "1")], Vec::new()), Unstorable::Status { status: 500 }),
        (
            StoredResponse::new(201, [("etag", "1")], vec![b' '; 262_145]),
            Unstorable::TooLong { bytes: 262_145 },
        ),
    ] {
        let refused = world.store.complete(&claim, &response).await;
        assert!(matches!(refused, Err(Error::Unstorable(found)) if found == why), "{refused:?}");
    }
    assert_eq!(held(world.claim(&REQUEST).await), in_flight(5));
    assert!(matches!(world.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
}

#[apply(every_store)]
async fn a_caller_can_look_its_key_up(#[case] kind: Kind) {
    let world = World::open(kind).await;
    assert_eq!(world.find().await, None);
    let claim = running(world.claim(&REQUEST).await);
    let entry = world.find().await.unwrap();
    assert_eq!((entry.method.as_str(), entry.path.as_str()), ("POST", "/v1/things"));
    assert_eq!((entry.state, entry.state.as_str()), (EntryState::InProgress, "in_progress"));
    let Completion::Stored { expires_at } = world.complete(&claim, &answer("done")).await else {
        panic!("stored")
    };
    let entry = world.find().await.unwrap();
    assert_eq!((entry.state, entry.expires_at), (EntryState::Completed { status: 200 }, expires_at));
    assert_eq!(entry.state.as_str(), "completed");
    world.age(RETENTION_DEFAULT).await;
    assert_eq!(world.find().await, None);
}

#[apply(every_store)]
async fn what_a_key_holds_is_told_without_a_claim(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let other = Request { body: b"{}", ..REQUEST };
    assert_eq!(world.look_up(&REQUEST).await, None, "an unknown key has to run");
    let claim = running(world.claim(&REQUEST).await);
    assert_eq!(world.look_up(&REQUEST).await, Some(in_flight(5)));
    assert_eq!(world.look_up(&other).await, Some(Held::Mismatch));
    world.age(LEASE).await;
    assert_eq!(world.look_up(&REQUEST).await, None, "an ended lease has to be taken over");
    assert_eq!(world.look_up(&other).await, Some(Held::Mismatch));

    let Completion::Stored { expires_at } = world.complete(&claim, &answer("done")).await else {
        panic!("stored")
    };
    let replay = Held::Replay { response: answer("done"), expires_at };
    assert_eq!(world.look_up(&REQUEST).await, Some(replay));
    assert_eq!(world.look_up(&other).await, Some(Held::Mismatch));
    world.age(RETENTION_DEFAULT).await;
    assert_eq!(world.look_up(&other).await, None, "an expired key is a new one");
}

#[apply(every_store)]
async fn purging_deletes_what_has_expired_in_batches_and_nothing_else(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let complete = async |request: Unanswered| {
        let claim = running(world.store.claim(&request, LEASE).await.unwrap());
        assert!(matches!(world.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
    };
    let purge = async |batch| world.store.purge_expired(batch).await.unwrap();
    for text in [&b"a"[..], b"b", b"c"] {
        complete(with_key(text)).await;
    }
    assert_eq!(purge(10).await, 0);
    world.age(RETENTION_DEFAULT).await;
    complete(unanswered(&REQUEST)).await;
    // Redis deletes on its own: see there. So does DynamoDB.
    let purged = match kind {
        Kind::Redis | Kind::RedisCluster => (0, 0, 0),
        #[cfg(feature = "aws")]
        Kind::Dynamodb => (0, 0, 0),
        Kind::Sqlite | Kind::Postgres | Kind::PgBouncer | Kind::Memory => (2, 1, 0),
    };
    assert_eq!((purge(2).await, purge(2).await, purge(2).await), purged);
    assert!(world.find().await.is_some());
}
