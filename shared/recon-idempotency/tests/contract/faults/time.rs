//! How long a claim and a record last.

use std::time::Duration;

use recon_idempotency::{Claimed, Completion, Entry, Extension, Held, RETENTION_DEFAULT};
use rstest_reuse::apply;

use super::faulty::{self, Fault};
use super::{Found, red, same};
use crate::every_store;
use crate::sample::{LEASE, REQUEST, answer, in_flight, running};
use crate::world::{Kind, World};

/// What the same request gets now: the fence of a new claim, or what the key holds.
async fn asked(world: &World) -> Result<u64, Held> {
    match world.claim(&REQUEST).await {
        Claimed::Run(claim) => Ok(claim.fence()),
        Claimed::Held(held) => Err(held),
    }
}

async fn fault_04(world: &World) -> Found {
    let _claim = running(world.claim(&REQUEST).await);
    same("a live record", &asked(world).await, &Err(in_flight(5)))
}

#[apply(every_store)]
async fn fault_04_a_live_record_is_not_taken_for_an_orphan(#[case] kind: Kind) {
    fault_04(&World::open(kind).await).await.unwrap();
}

#[tokio::test]
async fn fault_04_is_found_in_a_store_that_keeps_no_deadline() {
    red(fault_04(&faulty::world(Fault::KeepsNoDeadline).await).await, "a live record: Ok(2)");
}

async fn fault_07(world: &World) -> Found {
    let first = running(world.claim_for(&REQUEST, Duration::ZERO).await);
    same("a lease of no time", &asked(world).await, &Ok(first.fence() + 1))
}

#[apply(every_store)]
async fn fault_07_a_lease_of_no_time_has_ended_and_is_not_unknown(#[case] kind: Kind) {
    fault_07(&World::open(kind).await).await.unwrap();
}

#[tokio::test]
async fn fault_07_is_found_in_a_store_that_takes_zero_for_unknown() {
    red(fault_07(&faulty::world(Fault::TakesZeroForUnknown).await).await, "a lease of no time");
}

/// How long a test may take between two statements.
const SLACK: Duration = Duration::from_secs(30);

async fn fault_08(world: &World) -> Found {
    let lease = Duration::from_secs(90);
    let claim = running(world.claim_for(&REQUEST, lease).await);
    world.age(lease - SLACK).await;
    same("before the lease ends", &world.look_up(&REQUEST).await, &Some(in_flight(5)))?;
    world.age(SLACK).await;
    same("when the lease has ended", &world.look_up(&REQUEST).await, &None)?;
    let completed = world.complete(&claim, &answer("done")).await;
    let Completion::Stored { expires_at } = completed else { return Err(format!("{completed:?}")) };
    world.age(RETENTION_DEFAULT - SLACK).await;
    let expires = |entry: Option<Entry>| entry.map(|entry| entry.expires_at <= expires_at);
    same("before the retention ends", &expires(world.find().await), &Some(true))?;
    world.age(SLACK).await;
    same("when the retention has ended", &expires(world.find().await), &None)
}

#[apply(every_store)]
async fn fault_08_lease_and_retention_are_kept_in_their_units(#[case] kind: Kind) {
    fault_08(&World::open(kind).await).await.unwrap();
}

#[tokio::test]
async fn fault_08_is_found_in_a_store_with_other_units() {
    red(fault_08(&faulty::world(Fault::TakesSecondsForMilliseconds).await).await, "before the lease ends");
    red(fault_08(&faulty::world(Fault::TakesMillisecondsForSeconds).await).await, "when the lease has ended");
}

async fn fault_09(world: &World) -> Found {
    let killed = running(world.claim(&REQUEST).await);
    world.age(LEASE - SLACK).await;
    same("while its lease lasts", &asked(world).await, &Err(in_flight(5)))?;
    world.age(SLACK).await;
    same("a killed holder's key", &asked(world).await, &Ok(killed.fence() + 1))
}

#[apply(every_store)]
async fn fault_09_a_killed_holder_blocks_its_key_for_the_lease_and_not_for_the_retention(#[case] kind: Kind) {
    fault_09(&World::open(kind).await).await.unwrap();
}

#[tokio::test]
async fn fault_09_is_found_in_a_store_that_leases_for_the_retention() {
    red(fault_09(&faulty::world(Fault::LeasesForTheRetention).await).await, "a killed holder's key");
}

async fn fault_10(world: &World) -> Found {
    let claim = running(world.claim(&REQUEST).await);
    for _ in 0..3 {
        world.age(LEASE - SLACK).await;
        let extended = world.extend(&claim, LEASE).await;
        if !matches!(extended, Extension::Extended { .. }) {
            return Err(format!("a heartbeat: {extended:?}"));
        }
        same("work that takes longer than a lease", &asked(world).await, &Err(in_flight(5)))?;
    }
    let completed = world.complete(&claim, &answer("done")).await;
    same("its end is kept", &matches!(completed, Completion::Stored { .. }), &true)
}

#[apply(every_store)]
async fn fault_10_a_heartbeat_keeps_the_key_of_work_that_takes_longer_than_a_lease(#[case] kind: Kind) {
    fault_10(&World::open(kind).await).await.unwrap();
}

#[tokio::test]
async fn fault_10_is_found_in_a_store_whose_locks_are_as_long_as_they_are() {
    let found = fault_10(&faulty::world(Fault::IgnoresHeartbeats).await).await;
    red(found, "work that takes longer than a lease");
}
