//! Callers whose clocks differ, and the time to live that comes late.

use std::time::Duration;

use recon_idempotency::{
    Claim, ClaimStore, Claimed, Completion, Extension, Held, RETENTION_DEFAULT, Release, dynamodb,
};

use super::{Clock, Keys};
use crate::sample::{LEASE, OTHER, REQUEST, answer, held, in_flight, running, unanswered};

const SECOND: Duration = Duration::from_secs(1);

async fn claim(store: &dynamodb::Store) -> Claimed {
    store.claim(&unanswered(&REQUEST), LEASE).await.unwrap()
}

async fn complete(store: &dynamodb::Store, claim: &Claim, text: &str) -> Completion {
    store.complete(claim, &answer(text)).await.unwrap()
}

#[tokio::test]
async fn dynamodb_lease_has_ended_only_when_it_has_on_every_clock_that_is_allowed() {
    let keys = Keys::open().await;
    let holder = keys.store_on(&keys.clock);
    let claimed = running(claim(&holder).await);
    // A clock that is ahead by less than is allowed, at the end of the lease: on the holder's clock it has not ended.
    let fast = Clock::default();
    fast.age(LEASE + dynamodb::SKEW_MAX - SECOND);
    let other = keys.store_on(&fast);
    assert_eq!(held(claim(&other).await), in_flight(1));
    assert_eq!(other.look_up(&unanswered(&REQUEST)).await.unwrap(), Some(in_flight(1)));
    assert!(matches!(complete(&holder, &claimed, "done").await, Completion::Stored { .. }));
}

#[tokio::test]
async fn dynamodb_lease_is_taken_over_after_the_allowance_and_fence_and_token_decide_beyond_it() {
    let keys = Keys::open().await;
    let holder = keys.store_on(&keys.clock);
    let zombie = running(claim(&holder).await);
    // A clock that is ahead by more than is allowed takes over while the holder still works.
    let wrong = Clock::default();
    wrong.age(LEASE + dynamodb::SKEW_MAX);
    let other = keys.store_on(&wrong);
    let winner = running(claim(&other).await);
    assert_eq!((winner.fence(), winner.derived_id("row")), (2, zombie.derived_id("row")));
    assert!(matches!(
        complete(&holder, &zombie, "late").await,
        Completion::Lost(Some(Held::InFlight { .. }))
    ));
    assert_eq!(holder.release(&zombie).await.unwrap(), Release::Lost);
    assert_eq!(holder.extend(&zombie, LEASE).await.unwrap(), Extension::Lost);
    assert!(matches!(complete(&other, &winner, "done").await, Completion::Stored { .. }));
    let Held::Replay { response, .. } = held(claim(&holder).await) else { panic!("completed") };
    assert_eq!(response, answer("done"));
}

#[tokio::test]
async fn dynamodb_clock_that_is_behind_waits_longer_and_takes_nothing_early() {
    let keys = Keys::open().await;
    let _killed = running(claim(&keys.store_on(&keys.clock)).await);
    let slow = Clock::default();
    slow.age(LEASE + dynamodb::SKEW_MAX);
    slow.set_back(SECOND * 3);
    assert!(matches!(held(claim(&keys.store_on(&slow)).await), Held::InFlight { .. }));
    slow.age(SECOND * 3);
    assert_eq!(running(claim(&keys.store_on(&slow)).await).fence(), 2);
}

#[tokio::test]
async fn dynamodb_lease_that_was_given_back_has_ended_on_every_clock() {
    let keys = Keys::open().await;
    let store = keys.store_on(&keys.clock);
    let _killed = running(claim(&store).await);
    keys.clock.age(LEASE + dynamodb::SKEW_MAX);
    let refused = running(claim(&store).await);
    assert_eq!(store.release(&refused).await.unwrap(), Release::Released);
    keys.clock.set_back(Duration::from_hours(1));
    assert_eq!(running(claim(&store).await).fence(), 3);
}

#[tokio::test]
async fn dynamodb_record_outlasts_a_lease_that_somebody_may_still_take_over() {
    let keys = Keys::open().await;
    let store = keys.store_on(&keys.clock);
    let dead = running(store.claim(&unanswered(&REQUEST), RETENTION_DEFAULT).await.unwrap());
    keys.clock.age(RETENTION_DEFAULT);
    assert!(matches!(held(claim(&store).await), Held::InFlight { .. }));
    assert_eq!(held(store.claim(&unanswered(&OTHER), LEASE).await.unwrap()), Held::Mismatch);
    assert!(matches!(complete(&store, &dead, "done").await, Completion::Stored { .. }));
}

#[tokio::test]
async fn dynamodb_item_that_has_expired_and_is_still_there_counts_as_absent() {
    let keys = Keys::open().await;
    let store = keys.store();
    let first = running(claim(&store).await);
    assert!(matches!(complete(&store, &first, "done").await, Completion::Stored { .. }));
    keys.clock.age(RETENTION_DEFAULT);
    assert_eq!(keys.items().await.len(), 1, "nobody deleted it");
    assert_eq!(store.look_up(&unanswered(&OTHER)).await.unwrap(), None);
    let second = running(store.claim(&unanswered(&OTHER), LEASE).await.unwrap());
    assert_eq!(second.fence(), 2);
    assert_ne!(second.derived_id("row"), first.derived_id("row"));
    let items = keys.items().await;
    assert!(!items[0].contains_key("body") && !items[0].contains_key("status"), "{items:?}");
}

#[tokio::test]
async fn dynamodb_table_deletes_no_sooner_than_the_clocks_of_the_store_may_differ() {
    const DIFFER: Duration = Duration::from_secs(60);
    let keys = Keys::open().await;
    let store = keys.store_on(&keys.clock).skew_within(DIFFER);
    let seconds =
        async |attribute: &str| -> u64 { keys.items().await[0][attribute].as_n().unwrap().parse().unwrap() };
    let margin = async || seconds("ttl").await - seconds("expires_at").await / 1_000_000;
    let claimed = running(claim(&store).await);
    assert!(margin().await > DIFFER.as_secs(), "claimed");
    assert!(matches!(store.extend(&claimed, LEASE * 2).await, Ok(Extension::Extended { .. })));
    assert!(margin().await > DIFFER.as_secs(), "extended");
    assert!(matches!(complete(&store, &claimed, "done").await, Completion::Stored { .. }));
    assert!(margin().await > DIFFER.as_secs(), "completed");
}
